"""Environments: made for real, of nothing; kept; made anew when half-made; and refused in one line."""

import subprocess
from pathlib import Path

import pytest

from redmobile.bench.peers.environments import environment_folder, is_ready, make_environment, python_of
from redmobile.bench.peers.tables import EnvironmentTable
from redmobile.core import python_tools
from redmobile.errors import InputError, ToolError

TABLE = EnvironmentTable(requirements="none.txt", disk_mib=1)


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))
    for variable in ("UV_OFFLINE", "PIP_NO_INDEX"):
        monkeypatch.setenv(variable, "1")


@pytest.fixture
def requirements(tmp_path):
    (tmp_path / "none.txt").write_text("# nothing\n")
    return tmp_path / "none.txt"


def test_other_versions_live_in_another_folder(requirements, tmp_path):
    first = environment_folder("peer", requirements)
    assert first.is_relative_to(tmp_path / "cache")
    assert environment_folder("peer", requirements) == first
    requirements.write_text("numpy==2.0.0\n")
    assert environment_folder("peer", requirements) != first


@pytest.mark.slow
def test_it_is_made_once_and_anew_when_half_made(requirements):
    folder = environment_folder("peer", requirements)
    (folder / "lib").mkdir(parents=True)
    (folder / "lib" / "rubbish").write_text("left by a kill -9")
    python = make_environment("peer", TABLE, requirements)
    assert python == python_of(folder)
    assert not (folder / "lib" / "rubbish").exists()
    told = subprocess.run([python, "-c", "import sys; print(sys.prefix)"], capture_output=True, text=True, check=True)
    assert Path(told.stdout.strip()) == folder
    kept = folder / "kept"
    kept.write_text("")
    assert make_environment("peer", TABLE, requirements) == python
    assert kept.exists()


@pytest.mark.slow
def test_a_package_that_cannot_be_had_is_told_in_one_line(requirements):
    requirements.write_text("redmobile-has-no-such-package==9.9\n")
    with pytest.raises(ToolError, match=r"The environment 'peer' cannot be made: .* ended with \d+ \(.*redmobile-has-no-such-package") as caught:
        make_environment("peer", TABLE, requirements)
    assert "\n" not in str(caught.value)
    assert not is_ready(environment_folder("peer", requirements))


def test_without_room_nothing_is_begun(requirements):
    with pytest.raises(ToolError, match=r"needs 1000000000 MiB under .*, \d+ are free\. Make room, or name another folder in REDMOBILE_CACHE"):
        make_environment("peer", EnvironmentTable(requirements="none.txt", disk_mib=10**9), requirements)
    assert not environment_folder("peer", requirements).exists()


def test_without_a_tool_the_way_to_get_one_is_said(requirements, monkeypatch, tmp_path):
    (tmp_path / "python").write_text("#!/bin/sh\nexit 1\n")
    (tmp_path / "python").chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path / "empty"))
    monkeypatch.setattr(python_tools, "shelf_folders", lambda _: [])
    monkeypatch.setattr("sys.executable", str(tmp_path / "python"))
    with pytest.raises(ToolError, match=r"No tool that fetches packages: .* pip install uv"):
        make_environment("peer", TABLE, requirements)


def test_missing_requirements(tmp_path):
    with pytest.raises(InputError, match=r"gone\.txt: no such file"):
        make_environment("peer", TABLE, tmp_path / "gone.txt")
