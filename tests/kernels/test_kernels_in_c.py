"""The kernels' own test program: every kernel against the scalar reference, here and on emulated Arm processors, and under sanitizers."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from redmobile.kernels.library import SOURCES, TARGETS, missing_tools


def _build(folder: Path, target: str, *settings: str) -> Path:
    if missing := missing_tools(target):
        pytest.skip(f"building the kernels for {target} needs {' and '.join(missing)}")
    options = [f"-D{key}={value}" for key, value in TARGETS[target].settings.items()]
    _call("cmake", "-S", str(SOURCES), "-B", str(folder), *options, *settings)
    _call("cmake", "--build", str(folder), "--parallel", "2", "--target", "test_kernels")
    return folder / "test_kernels"


def _call(*command: str, seconds: int = 300) -> str:
    ended = subprocess.run(command, capture_output=True, text=True, timeout=seconds, check=False)
    assert ended.returncode == 0, ended.stdout[-3000:] + ended.stderr[-3000:]
    return ended.stdout


def _kernels(family: str) -> set[str]:
    """Names of the kernels in a family's lists."""
    return {name for file in (SOURCES / family).glob("kernels*.inc") for name in re.findall(r"RM_KERNEL\(\w+, (\w+)\)", file.read_text())}


def test_every_kernel_gives_the_codes_of_the_scalar_one(tmp_path):
    said = _call(str(_build(tmp_path, "host", "-DCMAKE_C_FLAGS_RELEASE=-O1")), "400", "1")
    assert re.search(r"^\w+: 400 rounds, 0 failures$", said, re.MULTILINE)
    assert "rm_pointwise_s8__scalar" in said


@pytest.mark.slow
@pytest.mark.parametrize("sanitizer", ["address,undefined", "thread"])
def test_sanitizers_find_nothing(tmp_path, sanitizer):
    program = _build(tmp_path, "host", f"-DRM_SANITIZE={sanitizer}", "-DCMAKE_C_FLAGS_RELEASE=-O1")
    assert "0 failures" in _call(str(program), "300", "2")


@pytest.mark.slow
def test_arm_kernels_under_emulation(tmp_path):
    """On a core without the dot product, one with it, and one with the matrix product."""
    if shutil.which("qemu-aarch64") is None:
        pytest.skip("qemu-aarch64 is not installed (apt install qemu-user)")
    program = _build(tmp_path, "aarch64-linux", "-DCMAKE_EXE_LINKER_FLAGS=-static")
    seen = set()
    for cpu, best in (("cortex-a53", "neon"), ("cortex-a76", "dotprod"), ("max,sve=off,sme=off", "i8mm")):
        said = _call("qemu-aarch64", "-cpu", cpu, str(program), "150", "3")
        assert f"{best}: 150 rounds, 0 failures" in said
        seen |= set(said.split())
    for family in ("pointwise", "depthwise", "elementwise", "resize", "pool", "colour"):
        assert {name for name in _kernels(family) if "avx" not in name and "vnni" not in name} <= seen
