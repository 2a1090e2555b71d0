"""Networks at the edges of what is possible, here and with the whole delegate built for sanitizers, in the real LiteRT."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from redmobile.kernels.library import LIBRARY, SOURCES, missing_tools

sys.path.insert(0, str(Path(__file__).parent))
from fuzz import compare

_SCRIPT = Path(__file__).parent / "fuzz.py"
_COMPLAINTS = ("AddressSanitizer", "ThreadSanitizer", "runtime error")


@pytest.mark.parametrize("first", range(0, 40, 10))
@pytest.mark.usefixtures("library")
def test_networks_at_the_edges_give_the_codes_of_xnnpack(tmp_path, first):
    for seed in range(first, first + 10):
        compare("redmobile", seed, tmp_path)


def _runtime_of(sanitizer: str) -> str:
    """Path of a sanitizer's library, which must be loaded before Python is."""
    found = subprocess.run(["gcc", f"-print-file-name=lib{sanitizer}.so"], capture_output=True, text=True, timeout=60, check=False).stdout.strip()
    if not Path(found).is_absolute():
        pytest.skip(f"gcc has no lib{sanitizer}.so here (apt install gcc)")
    return found


def _build(folder: Path, sanitizer: str) -> Path:
    settings = ["-DRM_TESTS=OFF", f"-DRM_SANITIZE={sanitizer}", "-DCMAKE_C_COMPILER=gcc", "-DCMAKE_C_FLAGS_RELEASE=-O1"]
    for command in (["cmake", "-S", str(SOURCES), "-B", str(folder), *settings], ["cmake", "--build", str(folder), "--parallel", "2"]):
        ended = subprocess.run(command, capture_output=True, text=True, timeout=600, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return folder / LIBRARY


@pytest.mark.slow
@pytest.mark.parametrize(("sanitizer", "libraries"), [("address,undefined", ("asan", "ubsan")), ("thread", ("tsan",))])
def test_the_whole_delegate_under_sanitizers(tmp_path, sanitizer, libraries):
    """Arithmetic, memory and threads of planning and running, in a LiteRT that knows nothing of it."""
    if missing := missing_tools():
        pytest.skip(f"building the kernels needs {' and '.join(missing)}")
    environment = os.environ | {"LD_PRELOAD": ":".join(map(_runtime_of, libraries)), "ASAN_OPTIONS": "detect_leaks=0"}  # Python leaks
    command = [sys.executable, str(_SCRIPT), str(_build(tmp_path, sanitizer)), "1000", "40"]
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=900, check=False)
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert "40 networks, the same codes" in ended.stdout
    assert not any(complaint in ended.stderr for complaint in _COMPLAINTS), ended.stderr[-3000:]
