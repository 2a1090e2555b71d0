"""Documents refuse what does not fit, and name file and key."""

from typing import Literal

import pytest

from redmobile.core.documents import Document, from_dict, load_toml
from redmobile.errors import DocumentError, InputError


class Wheel(Document):
    """A part with a default."""

    inches: float
    spokes: int = 32


class Bicycle(Document):
    """A document with parts."""

    colour: Literal["red", "blue"]
    wheel: tuple[Wheel, ...] = ()


def test_values_and_defaults_come_through(tmp_path):
    path = tmp_path / "bicycle.toml"
    path.write_text('colour = "red"\n[[wheel]]\ninches = 28\n')
    assert load_toml(path, Bicycle) == Bicycle(colour="red", wheel=(Wheel(inches=28.0),))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('colour = "red"\nbell = true\n', "unknown field `bell`"),
        ('colour = "red"\n[[wheel]]\ninches = 28\nspkoes = 3\n', r"unknown field `spkoes` - at `\$\.wheel\[0\]`"),
        ('colour = "green"\n', r"'green' - at `\$\.colour`"),
        ('colour = "red"\n[[wheel]]\ninches = "28"\n', r"Expected `float`, got `str` - at `\$\.wheel\[0\]\.inches`"),
        ("", "missing required field `colour`"),
        ('colour = "red', "is not valid TOML"),
    ],
)
def test_what_does_not_fit_is_one_line_with_file_and_key(tmp_path, text, said):
    path = tmp_path / "bicycle.toml"
    path.write_text(text)
    with pytest.raises(DocumentError, match=said) as caught:
        load_toml(path, Bicycle)
    assert str(caught.value).startswith(f"{path}: ")
    assert "\n" not in str(caught.value)


def test_bytes_that_are_no_text_are_no_toml(tmp_path):
    path = tmp_path / "bicycle.toml"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DocumentError, match="is not valid TOML"):
        load_toml(path, Bicycle)


def test_a_missing_document_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        load_toml(tmp_path / "absent.toml", Bicycle)


def test_documents_are_frozen():
    with pytest.raises(AttributeError, match="immutable"):
        Wheel(inches=28.0).spokes = 3


def test_the_known_keys_are_named():
    with pytest.raises(DocumentError, match="Keys at the top: colour, wheel"):
        from_dict({"color": "red"}, Bicycle, "a dictionary")
