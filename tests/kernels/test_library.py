"""Building and finding the library, the commands, doctor's line."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner

from redmobile.cli import doctor, group
from redmobile.errors import DeviceError, UsageError
from redmobile.kernels import library as kernels
from redmobile.shelf import find


def _run(*words: str):
    return CliRunner().invoke(group, list(words))


def test_an_unknown_target_is_refused():
    with pytest.raises(UsageError, match="Known: host, aarch64-linux, aarch64-android"):
        kernels.library_path("riscv")


def test_without_a_compiler_building_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match="needs cmake \\(apt install cmake\\) and cc \\(apt install gcc\\)"):
        kernels.build_library()
    assert "needs cmake" in doctor._kernels()


def test_kernels_build_tells_where_and_copies(library, tmp_path):
    ended = _run("kernels", "build", "--json", "--out", str(tmp_path / "copy.so"))
    assert ended.exit_code == 0, ended.output
    said = json.loads(ended.output)
    assert Path(said["library"]).read_bytes() == library.read_bytes()
    assert said["bytes"] == library.stat().st_size


@pytest.mark.usefixtures("library")
def test_kernels_plan_shows_chains_and_bytes():
    file = str(find("models", "red_mobile") / "red_mobile_int8.tflite")
    ended = _run("kernels", "plan", file, "--json", "--l2", "512K")
    assert ended.exit_code == 0, ended.output
    (plan,) = json.loads(ended.output)
    assert plan["nodes"] == 79
    assert plan["predicted_bytes_depth_first"] * 3 < plan["predicted_bytes_op_by_op"]
    assert all(level["ring_bytes"] <= 512 * 1024 for level in plan["levels"])
    table = _run("kernels", "plan", file)
    assert "Chain 3" in table.output
    assert "Predicted bytes" in table.output


def test_the_cross_compiled_library_exports_two_functions(tmp_path):
    if missing := kernels.missing_tools("aarch64-linux"):
        pytest.skip(f"needs {' and '.join(missing)}")
    built = kernels.build_library("aarch64-linux")
    shutil.copy(built, tmp_path)
    assert built.read_bytes()[18:20] == b"\xb7\x00"  # EM_AARCH64
    assert b"tflite_plugin_create_delegate\0" in built.read_bytes()
