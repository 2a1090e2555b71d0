"""What tests of several rooms share: an Android device that is played here, and Debian's adb connected to it."""

import os
import shutil
import socket
import subprocess

import pytest

NO_ADB = "adb is not installed: apt-get install adb"


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory):
    """An adb server of our own, on a port of its own, with a key of its own."""
    if shutil.which("adb") is None:
        pytest.skip(NO_ADB)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = {**os.environ, "ANDROID_ADB_SERVER_PORT": str(port), "HOME": str(tmp_path_factory.mktemp("adb_home"))}
    for name in ("ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT", "ANDROID_SDK_HOME", "ADB_VENDOR_KEYS"):
        environment.pop(name, None)
    subprocess.run(["adb", "start-server"], env=environment, check=True, capture_output=True, timeout=30)
    yield environment
    subprocess.run(["adb", "kill-server"], env=environment, check=False, capture_output=True, timeout=30)


@pytest.fixture
def phone(tmp_path, adb_server, monkeypatch):
    """A device that listens but is not connected yet; redmobile's adb is the private server's."""
    from adb_device import Phone

    for name in ("ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ANDROID_ADB_SERVER_PORT", adb_server["ANDROID_ADB_SERVER_PORT"])
    with Phone(tmp_path / "phone") as made:
        yield made
        subprocess.run(["adb", "disconnect", made.serial], env=adb_server, check=False, capture_output=True, timeout=30)


@pytest.fixture
def connected(phone, adb_server):
    """The same, connected and ready."""
    subprocess.run(["adb", "connect", phone.serial], env=adb_server, check=True, capture_output=True, timeout=30)
    subprocess.run(["adb", "-s", phone.serial, "wait-for-device"], env=adb_server, check=True, capture_output=True, timeout=30)
    return phone
