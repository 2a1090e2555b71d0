"""What is installed, missing or broken."""

import re
import tomllib
from pathlib import Path

import pytest

from redmobile.core import installation
from redmobile.core.artifact import sha256_file
from redmobile.core.installation import REQUIREMENTS, Installation, PackageState, Requirement, import_problem, inspect_model, inspect_package
from redmobile.core.results import write_json
from redmobile.runtimes.base import RUNTIMES

PROJECT = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())["project"]


def _names(lines):
    return {re.match(r"[\w.-]+", line)[0] for line in lines}


def test_the_table_of_the_base_is_that_of_pyproject():
    assert {requirement.package for requirement in REQUIREMENTS if requirement.base} == _names(PROJECT["dependencies"])


@pytest.mark.parametrize("extra", ["torch", "tensorflow", "npu"])
def test_the_table_of_each_extra_is_that_of_pyproject(extra):
    assert {requirement.package for requirement in REQUIREMENTS if requirement.extra == extra} == _names(PROJECT["optional-dependencies"][extra])


def test_every_runtime_is_in_the_table():
    emulated = {name for name in RUNTIMES.names() if name.startswith("qemu:")}  # `redmobile emulator` installs those
    assert {requirement.runtime for requirement in REQUIREMENTS if requirement.runtime} == set(RUNTIMES.names()) - emulated


def test_an_installed_package_is_ok():
    (numpy,) = (requirement for requirement in REQUIREMENTS if requirement.package == "numpy")
    found = inspect_package(numpy)
    assert (found.state, found.problem) == ("ok", "")
    assert found.version


def test_a_missing_package_comes_with_the_line_that_installs_it():
    found = inspect_package(Requirement("a-package-that-nobody-has", "nobody", "a test", extra="npu"))
    assert found.state == "missing"
    assert found.requirement.install_line() == "pip install 'redmobile[npu]'"


def test_a_package_that_cannot_be_imported_is_broken_and_not_missing(tmp_path, monkeypatch):
    (tmp_path / "built_for_another_numpy.py").write_text("raise ImportError('numpy.core.multiarray failed to import')\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    found = inspect_package(Requirement("numpy", "built_for_another_numpy", "a test"))
    assert found.state == "broken"
    assert found.problem == "ImportError: numpy.core.multiarray failed to import"


def test_a_package_that_crashes_is_broken(tmp_path, monkeypatch):
    (tmp_path / "crashes.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGSEGV)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert import_problem("crashes") == "import crashes crashed (SIGSEGV)"


def test_an_import_without_end_is_broken(tmp_path, monkeypatch):
    (tmp_path / "sleeps.py").write_text("import time\ntime.sleep(60)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setattr(installation, "IMPORT_SECONDS", 0.5)
    assert "did not end within" in import_problem("sleeps")


def test_a_version_below_the_stated_minimum_is_too_old(monkeypatch):
    monkeypatch.setattr(installation, "version_of", lambda _: "1.26.4")
    found = inspect_package(Requirement("numpy", "numpy", "a test"))
    assert found.state == "too old"
    assert found.problem == "1.26.4 is installed, at least 2.0 is needed"


def test_what_is_missing_from_the_base_is_a_fault_and_from_an_extra_is_not():
    base, extra = Requirement("b", "b", "all"), Requirement("e", "e", "some", extra="torch")
    states = (PackageState(base, None, "missing", "not installed"), PackageState(extra, None, "missing", "not installed"))
    assert Installation({}, states, (), ()).faults == ("b: missing (not installed)",)


def test_a_models_files_are_compared_with_numerics_json(tmp_path, monkeypatch):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("")
    (folder / "mine.onnx").write_bytes(b"onnx")
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    assert inspect_model("mine").differing == ()
    stages = [{"file": "/elsewhere/mine.onnx", "sha256": sha256_file(folder / "mine.onnx")}, {"file": "lowered from mine.onnx", "sha256": "0"}]
    write_json(folder / "numerics.json", {"stages": stages})
    state = inspect_model("mine")
    assert (state.differing, "mine.onnx" in state.present, "mine_int8.tflite" in state.missing) == ((), True, True)
    (folder / "mine.onnx").write_bytes(b"other")
    assert inspect_model("mine").differing == ("mine.onnx",)
    (folder / "numerics.json").write_text("{")
    assert inspect_model("mine").differing == ("numerics.json",)
