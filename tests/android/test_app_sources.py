"""The app's sources, as far as they can be read without a JDK: languages, licences, screens of its tests."""

import re
import xml.etree.ElementTree as ET

import numpy as np
import pytest

from redmobile.android.screens import LOOKS, write_sheet
from redmobile.android.source import find_source
from redmobile.data.frames import Image, read_image, write_image
from redmobile.errors import InputError

MAIN = find_source() / "app" / "src" / "main"
PLACES = re.compile(r"%\d+\$[\d.]*[a-z]")


def _texts(language):
    """Name → text (of a plural: all of them), from every file of the language."""
    found = {}
    for path in sorted((MAIN / "res" / f"values{language}").glob("strings*.xml")):
        for element in ET.parse(path).getroot():  # noqa: S314 - our own file
            assert element.attrib["name"] not in found, f"{path}: {element.attrib['name']} is there twice"
            found[element.attrib["name"]] = "|".join(element.itertext())
    return found


def test_every_word_is_there_in_both_languages_with_the_same_places():
    english, german = _texts(""), _texts("-de")
    assert set(english) == set(german)
    apart = {name for name in english if sorted(PLACES.findall(english[name])) != sorted(PLACES.findall(german[name]))}
    assert apart == set()


def test_every_string_that_the_code_names_is_there_and_every_one_is_used():
    code = "\n".join(path.read_text() for path in MAIN.rglob("*.kt")) + (MAIN / "AndroidManifest.xml").read_text()
    named = set(re.findall(r"R\.(?:string|plurals)\.(\w+)|@string/(\w+)", code))
    assert {one or other for one, other in named} == set(_texts(""))


def test_the_readme_names_every_work_that_the_licences_screen_names():
    works = re.findall(r'Component\(\s*"([^"]+)",\s*"([^"]+)"', (MAIN / "kotlin/dev/redmobile/demo/licences/Component.kt").read_text())
    assert len(works) > 15
    text = (find_source() / "README.md").read_text().partition("## Licences")[2]
    assert [name for name, licence in works if name not in text or licence not in text] == []


@pytest.fixture
def screenshots(tmp_path):
    for number, look in enumerate(LOOKS):
        size = (40, 70, 3) if look == "landscape" else (70, 40, 3)
        write_image(tmp_path / f"screen.1_start.{look}.png", Image(np.full(size, 40 * number + 20, np.uint8)))
    return tmp_path


def test_a_sheet_has_every_look_of_every_screen(screenshots):
    assert write_sheet(screenshots, screenshots / "sheet.png") == ("1_start",)
    sheet = read_image(screenshots / "sheet.png").frame
    assert sorted(level for level in range(20, 181, 40) if (sheet == level).all(axis=2).sum() > 300 * 150) == [20, 60, 100, 140, 180]


def test_a_screen_that_was_not_drawn_is_named(screenshots):
    (screenshots / "screen.1_start.dark.png").unlink()
    with pytest.raises(InputError, match=r"in every look, screen\.1_start\.dark\.png\. Run ScreensTest again"):
        write_sheet(screenshots, screenshots / "sheet.png")
    with pytest.raises(InputError, match="found none"):
        write_sheet(screenshots / "nothing", screenshots / "sheet.png")
