"""What tests of several rooms share: an Android device that is played here, and Debian's adb connected to it."""

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PATIENCE_S = 120
"""For what is done at once on a machine that is not busy: it only ends what hangs."""

NO_ADB = "adb is not installed: apt-get install adb"


@pytest.fixture(scope="session")
def adb_server(tmp_path_factory):
    """An adb server of our own, at a socket in a folder of its own (a port that is free now may be somebody else's in a moment), with its own key."""
    if shutil.which("adb") is None:
        pytest.skip(NO_ADB)
    with tempfile.TemporaryDirectory(prefix="adb-") as folder:  # short: the path of a socket has about a hundred characters
        place = f"localfilesystem:{Path(folder) / 'socket'}"
        environment = {**os.environ, "ADB_SERVER_SOCKET": place, "HOME": str(tmp_path_factory.mktemp("adb_home"))}
        for name in ("ANDROID_ADB_SERVER_PORT", "ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT", "ANDROID_SDK_HOME", "ADB_VENDOR_KEYS"):
            environment.pop(name, None)
        subprocess.run(["adb", "start-server"], env=environment, check=True, capture_output=True, timeout=PATIENCE_S)
        yield environment
        subprocess.run(["adb", "kill-server"], env=environment, check=False, capture_output=True, timeout=PATIENCE_S)


@pytest.fixture
def phone(tmp_path, adb_server, monkeypatch):
    """A device that listens but is not connected yet; redmobile's adb is the private server's."""
    from adb_device import Phone

    for name in ("ANDROID_ADB_SERVER_PORT", "ANDROID_SERIAL", "ANDROID_HOME", "ANDROID_SDK_ROOT"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ADB_SERVER_SOCKET", adb_server["ADB_SERVER_SOCKET"])
    with Phone(tmp_path / "phone") as made:
        yield made
        subprocess.run(["adb", "disconnect", made.serial], env=adb_server, check=False, capture_output=True, timeout=PATIENCE_S)


@pytest.fixture
def connected(phone, adb_server):
    """The same, connected and ready."""
    subprocess.run(["adb", "connect", phone.serial], env=adb_server, check=True, capture_output=True, timeout=PATIENCE_S)
    subprocess.run(["adb", "-s", phone.serial, "wait-for-device"], env=adb_server, check=True, capture_output=True, timeout=PATIENCE_S)
    return phone
