"""The cache is where it is asked to be."""

from pathlib import Path

from redmobile.core.cache import cache_folder


def test_the_cache_is_where_it_is_asked_to_be(tmp_path, monkeypatch):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))
    assert cache_folder() == tmp_path / "cache"
    monkeypatch.delenv("REDMOBILE_CACHE")
    assert cache_folder() == Path.home() / ".cache" / "redmobile"
