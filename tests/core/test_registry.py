"""A registry: the files of a folder are its entries."""

import sys

import pytest

from redmobile.core.registry import Registry
from redmobile.errors import UsageError


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of two files that register something when they are imported."""
    folder = tmp_path / "colours_of_test"
    folder.mkdir()
    (folder / "__init__.py").write_text("from redmobile.core.registry import Registry\nCOLOURS = Registry('colour', 'colours_of_test')\n")
    (folder / "warm.py").write_text("from colours_of_test import COLOURS\nCOLOURS.register('red')(1)\nCOLOURS.register('orange', 'yellow')(2)\n")
    (folder / "cold.py").write_text("from colours_of_test import COLOURS\nCOLOURS.register('blue')(3)\n")
    monkeypatch.syspath_prepend(tmp_path)
    yield folder
    for name in [name for name in sys.modules if name.split(".")[0] == "colours_of_test"]:
        del sys.modules[name]


@pytest.mark.usefixtures("package")
def test_putting_a_file_into_the_folder_registers_what_it_holds():
    from colours_of_test import COLOURS

    assert COLOURS.names() == ["blue", "orange", "red", "yellow"]
    assert list(COLOURS) == COLOURS.names()
    assert COLOURS["yellow"] == 2
    assert COLOURS.get("green") is None


@pytest.mark.usefixtures("package")
def test_nothing_is_imported_before_something_is_looked_up():
    import colours_of_test

    assert "colours_of_test.warm" not in sys.modules
    colours_of_test.COLOURS.names()
    assert "colours_of_test.warm" in sys.modules


@pytest.mark.usefixtures("package")
def test_an_unknown_name_is_an_error_that_lists_the_known_ones():
    from colours_of_test import COLOURS

    with pytest.raises(UsageError, match=r"Unknown colour 'green'\. Known: blue, orange, red, yellow\."):
        COLOURS["green"]


def test_a_second_entry_under_one_name_is_a_mistake_in_the_code(package):
    (package / "again.py").write_text("from colours_of_test import COLOURS\nCOLOURS.register('blue')(4)\n")
    from colours_of_test import COLOURS

    with pytest.raises(ValueError, match="colour 'blue' is registered twice"):
        COLOURS.names()


def test_the_decorator_gives_back_what_it_decorates():
    registry = Registry("thing", "redmobile.core")
    assert registry.register("a")(print) is print
