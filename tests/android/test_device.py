"""One device driven through Debian's adb, and every way in which that can go wrong."""

import os
import subprocess

import pytest
from adb_device import Cut

from redmobile.android import adb
from redmobile.android.device import Device
from redmobile.android.devices import choose_device
from redmobile.errors import DeviceError, InputError, ToolError


@pytest.fixture
def device(connected):
    return Device(connected.serial)


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "model.tflite"
    path.write_bytes(os.urandom(400_000))
    return path


def test_a_command_with_its_exit_code_and_both_outputs_in_order(device):
    answer = device.shell("echo one; echo two >&2; exit 5", what="trying")
    assert (answer.code, answer.text) == (5, "one\ntwo\n")


@pytest.mark.parametrize("command", ["printf 'no newline'", "echo; echo", "true"])
def test_text_comes_back_as_it_was_written(device, command):
    assert device.shell(command, what="trying").text == subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def test_lines_come_while_the_command_runs_and_our_mark_is_not_among_them(device):
    lines = []
    device.shell("echo one; echo two", what="trying", on_line=lines.append)
    assert [line for line in lines if line] == ["one", "two"]


def test_a_failing_command(device):
    assert device.read("cat /data/nothing", what="trying") == ""
    with pytest.raises(ToolError, match=r"removing: failed on 127.0.0.1:"):
        device.do("false", what="removing")


def test_a_file_goes_there_and_back(device, file, tmp_path):
    device.push(file, "/data/local/tmp/redmobile/model.tflite")
    assert device.exists("/data/local/tmp/redmobile/model.tflite")
    device.pull("/data/local/tmp/redmobile/model.tflite", tmp_path / "back" / "model.tflite")
    assert (tmp_path / "back" / "model.tflite").read_bytes() == file.read_bytes()
    device.remove("/data/local/tmp/redmobile")
    assert not device.exists("/data/local/tmp/redmobile")


def test_a_file_that_is_not_there(device, tmp_path):
    with pytest.raises(InputError, match=r"no such file"):
        device.push(tmp_path / "nothing", "/data/local/tmp/nothing")
    with pytest.raises(ToolError, match=r"does not exist|No such file"):
        device.pull("/data/local/tmp/nothing", tmp_path / "nothing")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize("during", ["push", "pull"])
def test_the_cable_is_pulled_in_the_middle_of_a_transfer(device, connected, file, tmp_path, during):
    if during == "pull":
        device.push(file, "/data/local/tmp/model.tflite")
    connected.faults.cut = Cut(during, after_bytes=100_000)
    with pytest.raises(DeviceError, match=r"copying model.tflite .* broke off. Check the cable"):
        _ = device.push(file, "/data/local/tmp/model.tflite") if during == "push" else device.pull("/data/local/tmp/model.tflite", tmp_path / "back")
    assert not (tmp_path / "back").exists()


@pytest.mark.parametrize("cut", [Cut("command", pattern="echo"), Cut("output", pattern="two")])
def test_the_cable_is_pulled_while_a_command_runs(device, connected, cut):
    connected.faults.cut = cut
    with pytest.raises(DeviceError, match=r"trying: the connection to 127.0.0.1:.* broke off"):
        device.shell("echo one; echo two; sleep 5", what="trying")


def test_a_device_that_went_away_before(device, connected):
    connected.pull_the_cable()
    with pytest.raises(DeviceError, match=r"broke off|offline|no Android device"):
        device.shell("echo", what="trying")


def test_no_space(device, connected, file):
    connected.faults.space_bytes = 100_000
    with pytest.raises(ToolError, match=r"copying model.tflite .*no space left on 127.0.0.1:"):
        device.push(file, "/data/local/tmp/model.tflite")


def test_a_file_that_arrives_damaged(device, connected, file):
    connected.faults.damages_pushes = True
    with pytest.raises(ToolError, match=r"arrived damaged"):
        device.push(file, "/data/local/tmp/model.tflite")


def test_an_old_device_without_sha256sum(device, connected, file):
    (connected.root / "bin/sha256sum").write_text("#!/bin/sh\nexit 127\n")
    (connected.root / "bin/sha256sum").chmod(0o755)
    device.push(file, "/data/local/tmp/model.tflite")
    assert device.exists("/data/local/tmp/model.tflite")


def test_a_device_that_takes_too_long(device):
    with pytest.raises(DeviceError, match=r"trying: 127.0.0.1:\d+ did not answer within 0.5 s"):
        device.shell("sleep 30", what="trying", timeout_s=0.5)


def test_the_one_that_is_connected_is_chosen(connected):
    assert choose_device().serial == connected.serial
    assert choose_device(connected.serial).serial == connected.serial


def test_a_network_address_is_connected_to(phone):
    assert choose_device(phone.serial).serial == phone.serial


@pytest.mark.usefixtures("phone")
def test_no_device():
    with pytest.raises(DeviceError, match=r"No Android device is connected. Plug one in"):
        choose_device()


def test_a_serial_that_is_not_there(connected):
    with pytest.raises(DeviceError, match=rf"There is no device 'R5C'. Connected: {connected.serial} \(Test Phone 8\): ready"):
        choose_device("R5C")


@pytest.mark.usefixtures("phone")
def test_nobody_listens_at_an_address():
    with pytest.raises(DeviceError, match=r"127.0.0.1:9: cannot be connected to"):
        choose_device("127.0.0.1:9")


@pytest.mark.usefixtures("connected")
def test_several_devices(tmp_path, adb_server, monkeypatch):
    from adb_device import Phone

    with Phone(tmp_path / "other") as other:
        choose_device(other.serial)
        with pytest.raises(DeviceError, match=r"Several devices are connected; say which"):
            choose_device()
        monkeypatch.setenv("ANDROID_SERIAL", other.serial)
        assert choose_device().serial == other.serial
        subprocess.run(["adb", "disconnect", other.serial], env=adb_server, check=True, capture_output=True, timeout=120)


def test_a_device_that_has_not_allowed_this_computer(phone, monkeypatch):
    monkeypatch.setattr("redmobile.android.devices._PATIENCE_S", 0.3)
    phone.faults.trusts = False
    with pytest.raises(DeviceError, match=r"No device is ready. .*confirm “Allow USB debugging”"):
        choose_device(phone.serial)


def test_a_device_that_is_offline(phone, adb_server, monkeypatch):
    monkeypatch.setattr("redmobile.android.devices._PATIENCE_S", 0.3)
    phone.faults.silent = True
    connecting = subprocess.Popen(["adb", "connect", phone.serial], env=adb_server, stdout=subprocess.DEVNULL)
    try:
        while f"{phone.serial}\toffline" not in adb.run(["devices"], what="adb devices").said:
            assert connecting.poll() is None, "it gave up before it was listed"
        with pytest.raises(DeviceError, match=r"No device is ready. .*does not answer"):
            choose_device(phone.serial)
    finally:
        connecting.kill()
        connecting.wait()


def test_without_adb(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    monkeypatch.delenv("ANDROID_HOME", raising=False)
    monkeypatch.delenv("ANDROID_SDK_ROOT", raising=False)
    with pytest.raises(DeviceError, match=r"adb was not found.*apt-get install adb"):
        adb.find_adb()


def test_the_adb_of_an_android_sdk_goes_first(monkeypatch, tmp_path):
    tool = tmp_path / "platform-tools" / "adb"
    tool.parent.mkdir()
    tool.touch(mode=0o755)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    assert adb.find_adb() == tool
