"""What tests of several rooms share: an Android device that is played here, Debian's adb connected to it, tflite-runtime of 2023."""

import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

_ROOT = Path(__file__).parents[1]

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


@pytest.fixture(scope="session")
def old_python():
    """The interpreter of an environment with tflite-runtime 2.14, made once for all runs; the test is skipped where that cannot be done."""
    wanted = sys.executable if sys.version_info[:2] == (3, 11) else shutil.which("python3.11")
    if wanted is None:
        pytest.skip("tflite-runtime 2.14 has no wheel for Python above 3.11, and there is no python3.11 here")
    cache = Path(os.environ.get("REDMOBILE_CACHE") or Path.home() / ".cache" / "redmobile")
    folder = cache / "tflite_runtime-2.14.0"
    python, ready = folder / "bin" / "python", folder / ".ready"
    if not ready.is_file():
        uv = shutil.which("uv") or str(_ROOT / ".uv" / "bin" / "uv")
        cache.mkdir(parents=True, exist_ok=True)
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
