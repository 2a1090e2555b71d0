"""The test device itself, with Debian's adb: what it must be good for before anything is concluded from it."""

import os
import subprocess

import pytest


@pytest.fixture
def adb(connected, adb_server):
    """Arguments → what `adb` did with the connected device."""

    def run(*arguments):
        return subprocess.run(["adb", "-s", connected.serial, *arguments], env=adb_server, capture_output=True, text=True, timeout=120, check=False)

    return run


def test_shell_keeps_output_errors_and_exit_code_apart(adb):
    ended = adb("shell", "echo out; echo err >&2; exit 3")
    assert (ended.stdout, ended.stderr, ended.returncode) == ("out\n", "err\n", 3)


def test_a_file_survives_push_and_pull(adb, connected, tmp_path):
    data = os.urandom(700_001)
    (tmp_path / "there").write_bytes(data)
    assert adb("push", str(tmp_path / "there"), "/data/local/tmp/folder/file").returncode == 0
    assert connected.path("/data/local/tmp/folder/file").read_bytes() == data
    assert adb("pull", "/data/local/tmp/folder/file", str(tmp_path / "back")).returncode == 0
    assert (tmp_path / "back").read_bytes() == data


def test_what_the_phone_does_not_offer_is_refused(adb):
    assert adb("reboot").returncode != 0
    assert adb("shell", "echo still here").stdout == "still here\n"


def test_an_app_is_installed_by_pushing_it(adb, connected, tmp_path):
    (tmp_path / "a.apk").write_bytes(b"PK\x03\x04")
    ended = adb("install", "-r", str(tmp_path / "a.apk"))
    assert "Success" in ended.stdout
    assert any("pm" in command and "/data/local/tmp/a.apk" in command for command in connected.commands)


def test_a_key_is_asked_for_once_and_then_checked(adb, connected, adb_server):
    assert len(connected._keys) == 1
    subprocess.run(["adb", "disconnect", connected.serial], env=adb_server, capture_output=True, timeout=120, check=True)
    subprocess.run(["adb", "connect", connected.serial], env=adb_server, capture_output=True, timeout=120, check=True)
    assert adb("shell", "getprop", "ro.product.model").stdout == "Test Phone 8\n"
    assert len(connected._keys) == 1
