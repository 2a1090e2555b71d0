"""model.toml: what does not fit is named."""

import pytest

from redmobile.errors import DocumentError, InputError, UsageError
from redmobile.nets.model_document import load_model_document
from redmobile.shelf import find


def _written(folder, change):
    text = (find("models", "red_mobile") / "model.toml").read_text()
    file = folder / "model.toml"
    file.write_text(change(text))
    return str(file)


def test_default_document_has_multiples_of_64():
    _, document = load_model_document("red_mobile")
    assert document.size_multiple == 64
    assert document.checked_size(None) == (1088, 1920)


def test_unknown_key_is_named_with_its_file(tmp_path):
    name = _written(tmp_path, lambda text: text.replace("stem_width", "stem_widht"))
    with pytest.raises(DocumentError, match=r"model\.toml.*stem_widht"):
        load_model_document(name)


def test_size_that_does_not_halve_is_refused(tmp_path):
    name = _written(tmp_path, lambda text: text.replace("height = 1088", "height = 1080"))
    with pytest.raises(DocumentError, match=r"1080×1920.*multiples of 64"):
        load_model_document(name)


def test_asked_size_that_does_not_halve_is_refused():
    with pytest.raises(UsageError, match=r"100×128.*multiples of 64"):
        load_model_document("red_mobile")[1].checked_size((100, 128))


def test_unknown_model_lists_the_known_ones():
    with pytest.raises(InputError, match=r"'green_mobile'.*Known: .*red_mobile"):
        load_model_document("green_mobile")
