"""The shelves: converters, models, benchmarks."""

import pytest

from redmobile.errors import InputError
from redmobile.shelf import find, names, shelf_folders


@pytest.fixture
def own_shelf(tmp_path, monkeypatch):
    """A user's shelf with one converter and one model."""
    (tmp_path / "converters").mkdir()
    (tmp_path / "converters" / "mine.toml").write_text("")
    (tmp_path / "models" / "my_net").mkdir(parents=True)
    (tmp_path / "models" / "my_net" / "model.toml").write_text("")
    (tmp_path / "models" / "no_model").mkdir()
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    return tmp_path


def test_the_built_in_shelves_are_found():
    assert "red_mobile" in names("models")
    assert "model_latency" in names("benchmarks")
    assert "litert_int8" in names("converters")


def test_a_users_shelf_is_searched_first_and_besides(own_shelf):
    assert shelf_folders("converters")[0] == own_shelf / "converters"
    assert find("converters", "mine") == own_shelf / "converters" / "mine.toml"
    assert find("models", "my_net") == own_shelf / "models" / "my_net"
    assert {"mine", "litert_int8"} <= set(names("converters"))
    assert "no_model" not in names("models")


def test_a_path_of_ones_own_needs_no_shelf(tmp_path):
    own = tmp_path / "deep" / "recipe.toml"
    own.parent.mkdir()
    own.write_text("")
    assert find("converters", str(own)) == own
    assert find("models", str(own.parent)) == own.parent


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(InputError, match=r"Unknown model 'nothing'\. Known: .*red_mobile"):
        find("models", "nothing")


def test_a_path_that_is_not_there_is_named(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        find("converters", str(tmp_path / "absent.toml"))
