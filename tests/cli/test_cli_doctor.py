"""`redmobile doctor`."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from redmobile.android.apk import tools as apk
from redmobile.cli import doctor
from redmobile.core import installation
from redmobile.core.installation import Installation, ModelState, PackageState, Program, ProgramState, Requirement, ShelfState
from redmobile.emulator import tools
from redmobile.errors import DeviceError
from redmobile.kernels.library import TARGETS

ROOT = Path(__file__).resolve().parents[2]
SHELVES = tuple(ShelfState(name, (f"here/{name}",), ("something",)) for name in ("converters", "models", "benchmarks"))
ENVIRONMENT = {"python": "3.11.2", "system": "Linux", "machine": "x86_64", "cores": 2, "cpu": "a processor"}


def _found(*packages, models=(), programs=()):
    return Installation(ENVIRONMENT, packages, SHELVES, models, programs)


@pytest.fixture
def run(monkeypatch, capsys):
    """Let doctor find something, and give back what it prints."""

    def run(found, *arguments):
        monkeypatch.setattr(installation, "inspect_installation", lambda: found)
        try:
            doctor.command.main([*arguments], standalone_mode=False)
        except DeviceError as error:
            return capsys.readouterr().out, str(error)
        return capsys.readouterr().out, None

    return run


def test_all_is_well(run):
    told, fault = run(_found(PackageState(Requirement("numpy", "numpy", "every command"), "2.3.1", "ok")))
    assert fault is None
    assert "numpy" in told
    assert "2.3.1" in told


def test_what_an_extra_lacks_is_told_with_its_line_but_is_no_failure(run):
    told, fault = run(_found(PackageState(Requirement("torch", "torch", "train", extra="torch"), None, "missing", "not installed")))
    assert fault is None
    assert "torch (missing): pip install 'redmobile[torch]'" in told


def test_what_the_base_lacks_fails(run):
    told, fault = run(_found(PackageState(Requirement("onnx", "onnx", "convert"), "1.20", "broken", "ImportError: numpy.core")))
    assert fault == "The base is not complete: onnx: broken (ImportError: numpy.core)."
    assert "onnx (broken): ImportError: numpy.core. pip install 'onnx>=" in told


def test_programs_are_told_of_and_a_missing_one_is_no_failure(run):
    adb = Program("adb", "android", "apt-get install adb")
    told, fault = run(_found(programs=(ProgramState(adb, "/usr/bin/adb"), ProgramState(Program("qemu", "emulator", "apt-get install qemu"), None))))
    assert fault is None
    assert "/usr/bin/adb" in told
    assert "adb (missing)" not in told
    assert "qemu (missing): apt-get install qemu" in told


def test_every_program_that_something_here_calls_is_told_of():
    known = {program.name for program in installation.PROGRAMS}
    in_ci = set(re.findall(r"command -v ([\w.-]+)", (ROOT / ".ci" / "run").read_text())) - {"make", "python3"}
    assert in_ci <= known
    assert set(tools._PACKAGES) - {"apt-get", "dpkg-deb"} <= known
    assert {"cmake", *(target.compiler for target in TARGETS.values())} <= known
    assert {program.name for program in apk.PROGRAMS} <= known


def test_a_program_is_found_under_its_other_names(monkeypatch):
    monkeypatch.setattr(installation.shutil, "which", lambda name: f"/opt/{name}" if name == "google-chrome" else None)
    assert Program("chromium", "x", "y", ("chromium-browser", "google-chrome")).find() == "/opt/google-chrome"
    assert Program("chromium", "x", "y").find() is None


def test_a_model_whose_files_changed_fails(run):
    _, fault = run(_found(models=(ModelState("mine", ("mine.onnx",), (), ("mine.onnx",)),)))
    assert "mine: mine.onnx not as numerics.json says" in fault


def test_json(run):
    told, _ = run(_found(PackageState(Requirement("onnxruntime", "onnxruntime", "convert", runtime="onnxruntime"), "1", "ok")), "--json")
    document = json.loads(told)
    assert document["runtimes"] == {"onnxruntime": True}
    assert document["packages"][0]["install"] == ""
    assert document["faults"] == []


@pytest.mark.slow
def test_here_and_now():
    ended = subprocess.run([sys.executable, "-m", "redmobile", "doctor", "--json"], capture_output=True, text=True, check=False)
    document = json.loads(ended.stdout)
    assert ended.returncode == (7 if document["faults"] else 0), ended.stderr
    assert document["runtimes"]["litert"]
    assert document["runtimes"]["onnxruntime"]
