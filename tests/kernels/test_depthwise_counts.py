"""Instructions of a depthwise layer on an emulated Cortex-A76, by the delegate and by XNNPACK in the same LiteRT: counts, not times."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.emulator.cpus import load_cpu
from redmobile.emulator.network import EmulatedNetwork
from redmobile.emulator.system import System
from redmobile.kernels.library import build_library, missing_tools

sys.path.insert(0, str(Path(__file__).parent))
from maker import Maker

pytestmark = pytest.mark.slow

_SHAPE = (1, 48, 64, 32)
_FEW, _MANY = 2, 6


@pytest.fixture(autouse=True)
def _cross_compiler():
    if missing := missing_tools("aarch64-linux"):
        pytest.skip(f"missing here: {', '.join(missing)}")


def _instructions(system: System, folder: Path, layers: int, delegate: Path | None) -> int:
    make = Maker(layers)
    x = out = make.tensor(_SHAPE)
    for _ in range(layers):
        out = make.depthwise(out, activation="NONE")
    network = EmulatedNetwork(make.write(folder, x, out), load_cpu("cortex-a76")[1], delegate=delegate, counting=True, system=system)
    for _ in range(3):
        network.run(np.zeros(_SHAPE, np.int8))
    return network.finish().settled.total


def _instructions_a_code(system: System, folder: Path, delegate: Path | None) -> float:
    """3x3 at stride 1. What further layers cost: beginning, end and borders of the picture are subtracted."""
    few, many = (_instructions(system, folder, layers, delegate) for layers in (_FEW, _MANY))
    return (many - few) / (_MANY - _FEW) / np.prod(_SHAPE)


def test_two_and_a_half_times_fewer_instructions_a_code_than_xnnpack(system, tmp_path):
    own = _instructions_a_code(system, tmp_path, build_library("aarch64-linux"))
    theirs = _instructions_a_code(system, tmp_path, None)
    assert theirs >= 2.5 * own, (theirs, own)
