"""What tests of several rooms share: an Android device that is played here, Debian's adb connected to it, an emulated Arm, tflite-runtime of 2023."""

import fcntl
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from redmobile.emulator.system import System
from redmobile.emulator.tools import missing_packages
from redmobile.errors import ToolError

_ROOT = Path(__file__).parents[1]

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


@pytest.fixture(scope="session")
def system():
    """The emulated aarch64 system, in the user's cache."""
    if missing_packages():
        pytest.skip(f"Debian packages are missing: {', '.join(missing_packages())}")
    made = System()
    try:
        made.install()
    except ToolError as error:
        pytest.skip(f"the emulated system cannot be fetched: {error}")
    return made


@pytest.fixture(scope="session")
def old_python():
    """The interpreter of an environment with tflite-runtime 2.14, made once for all runs; the test is skipped where that cannot be done."""
    wanted = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if wanted is None:
        pytest.skip("tflite-runtime 2.14 has no wheel for Python above 3.11, and there is no python3.11 here")
    cache = Path(os.environ.get("REDMOBILE_CACHE") or Path.home() / ".cache" / "redmobile")
    folder = cache / "tflite_runtime-2.14.0"
    python, ready = folder / "bin" / "python", folder / ".ready"
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "tflite_runtime.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # of pytest's workers one makes it, the others wait
        if not ready.is_file():
            uv = shutil.which("uv") or str(_ROOT / ".uv" / "bin" / "uv")
            for command in (
                [uv, "venv", "--quiet", "--clear", "--no-python-downloads", "--python", wanted, str(folder)],
                [uv, "pip", "install", "--quiet", "--python", str(python), "tflite-runtime==2.14.0", "numpy<2"],
            ):
                _or_skip(command)
            ready.touch()
    return python


def _or_skip(command):
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=300)
    except FileNotFoundError:
        pytest.skip("uv, which makes the environment for tflite-runtime, is not here")
    except subprocess.SubprocessError as error:
        said = (getattr(error, "stderr", None) or str(error)).strip().splitlines()
        pytest.skip(f"the environment for tflite-runtime cannot be made: {said[-1] if said else error}")
