"""`redmobile android …` and `redmobile bench … --on adb`: what is printed, and with which code it ends."""

import json
import sys

import pytest
from adb_device import Cut
from adb_device.benchmark_program import write_program

from redmobile import cli
from redmobile.bench.result import read_results
from redmobile.core.quant_math import Quantization
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite

PLAN = "says = 'x'\nthreads = 1\n[closed_loop]\nwarm_up = 3\nruns = 40\nmax_seconds = 9\n[budget]\nshare = 0.9\n[stability]\nmin_seconds = 1e-9\n"


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Arguments → (exit code, stdout, stderr), from a folder of its own."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def apk(tmp_path):
    (tmp_path / "demo.apk").write_bytes(b"PK\x03\x04")
    return "demo.apk"


@pytest.fixture
def bench(call, tmp_path, connected):
    """`redmobile bench` on the device with a benchmark program; extra arguments → (exit code, stdout, stderr)."""
    q = Quantization.per_tensor(1 / 255, -128)
    x, y = (Tensor(name, (1, 8, 8, 3), "int8", quantization=q) for name in ("image", "enhanced"))
    (tmp_path / "m.tflite").write_bytes(write_tflite(TfliteModel([Operator("ADD", [x, x], [y])], [x], [y])))
    (tmp_path / "plan.toml").write_text(PLAN)
    write_program(tmp_path / "benchmark_model")
    options = [f"--target-option={option}" for option in ("benchmark_model=benchmark_model", "cool_down=0", "sample=60", "profile=no")]
    address = f"adb:{connected.serial}"
    return lambda *more: call("bench", "plan.toml", "--model", "m.tflite", "--on", address, *options, *more)


def test_install_start_and_logs(call, apk, connected):
    connected.tools["am"] = lambda _: (0, "Starting: Intent\n")
    code, out, _ = call("android", "install", apk)
    assert (code, f"is installed on {connected.serial}" in out) == (0, True)
    code, out, _ = call("android", "start", "--json")
    assert (code, json.loads(out)) == (0, {"serial": connected.serial, "activity": "dev.redmobile.demo/.MainActivity"})
    connected.log("redmobile", "hello")
    code, out, _ = call("android", "logs")
    assert (code, "I/redmobile( 4242): hello" in out) == (0, True)
    code, out, _ = call("android", "logs", "--json", "--serial", connected.serial)
    assert (code, "hello" in json.loads(out)["lines"][-1]) == (0, True)


@pytest.mark.usefixtures("phone", "apk")
@pytest.mark.parametrize("arguments", [("install", "demo.apk"), ("start",), ("logs",), ("start", "--serial", "R5C")])
def test_no_device_ends_with_7(call, arguments):
    code, out, err = call("android", *arguments)
    assert (code, out) == (7, "")
    assert err.startswith("redmobile: No Android device is connected. Plug one in")
    assert err.count("\n") == 1


def test_an_app_that_cannot_be_installed_ends_with_8(call, apk, connected):
    (connected.root / "state/install_failure").write_text("INSTALL_FAILED_INSUFFICIENT_STORAGE")
    code, _, err = call("android", "install", apk)
    assert (code, err.count("\n")) == (8, 1)
    assert "there is no space left" in err


def test_a_log_that_is_followed_is_no_json(call):
    code, _, err = call("android", "logs", "--follow", "--json")
    assert code == 2
    assert "--follow has no end" in err


def test_a_phone_is_measured(bench, connected):
    code, out, err = bench("--out", "result.json")
    assert (code, err) == (0, "")
    for words in ("20.00", "Budget: met. 100% of 40 runs within 33.3 ms", "Qualcomm SM8550"):
        assert words in out
    (result,) = read_results(connected.root.parent / "result.json")
    assert result.target == f"adb:{connected.serial}"


FAULTS = {
    "unauthorized": (lambda phone: setattr(phone.faults, "trusts", False), 7, "confirm “Allow USB debugging”"),
    "gone": (lambda phone: phone.pull_the_cable(), 7, "broke off|offline|cannot be connected to"),
    "push": (lambda phone: setattr(phone.faults, "cut", Cut("push")), 7, "copying .* broke off"),
    "run": (lambda phone: setattr(phone.faults, "cut", Cut("output", pattern="count=40")), 7, "cpu, try 1: the connection to .* broke off"),
    "abi": (lambda phone: phone.set_property("ro.product.cpu.abilist", "armeabi-v7a"), 7, "its processor runs armeabi-v7a; arm64-v8a is needed"),
    "space": (lambda phone: setattr(phone.faults, "space_bytes", 10), 8, "there is no space left on"),
    "damage": (lambda phone: setattr(phone.faults, "damages_pushes", True), 8, "arrived damaged"),
    "failure": (lambda phone: (phone.root / "state/benchmark.json").write_text('{"exit_code": 1}'), 8, "failed with exit code 1"),
    "killed": (lambda phone: (phone.root / "state/benchmark.json").write_text('{"dies_after_warm_up": true}'), 8, "it was killed"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_ends_in_its_own_sentence_and_code(bench, connected, adb_server, monkeypatch, fault):
    import re
    import subprocess

    cause, expected, says = FAULTS[fault]
    monkeypatch.setattr("redmobile.android.devices._PATIENCE_S", 0.3)
    if fault == "unauthorized":
        subprocess.run(["adb", "disconnect", connected.serial], env=adb_server, check=True, capture_output=True, timeout=120)
    cause(connected)
    code, out, err = bench()
    assert (code, out) == (expected, "")
    assert err.startswith("redmobile: ")
    assert err.count("\n") == 1
    assert re.search(says, err)


def test_a_cable_pulled_in_a_later_try_keeps_and_marks_what_was_measured(bench, connected):
    (connected.root / "state/benchmark.json").write_text('{"means_us": [26000, 20000]}')
    connected.faults.on_command = lambda command: len(connected.log_of("benchmark")) == 1 and "num_runs" in command and connected.pull_the_cable()
    code, out, err = bench("--out", "result.json")
    assert code == 7
    assert "cpu, try 2: the connection to" in err
    assert "Incomplete: cpu, try 2" in out
    (result,) = read_results(connected.root.parent / "result.json")
    assert result.incomplete.startswith("cpu, try 2: the connection to")
    assert result.measured.latency.p50_ms == 26.0
    assert not result.measured.stability.trusted
