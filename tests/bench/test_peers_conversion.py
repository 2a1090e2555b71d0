"""One conversion, by a converter that is a few lines of Python: outcomes, reasons, and what is not done twice."""

import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.bench.peers.conversion import Frames, ReadyNetwork, convert_once
from redmobile.bench.peers.limited import Limits
from redmobile.bench.peers.tools import Tool, make_tool
from redmobile.bench.plan import load_plan
from redmobile.core.artifact import sha256_file
from redmobile.core.environment import version_of
from redmobile.errors import InputError

LIMITS = Limits(seconds=60, memory_mib=2048)
DRIVER = """
import time
from pathlib import Path
PACKAGES = ("numpy",)

def convert(job):
    folder = Path(job.folder)
    print("asked for", job.recipe)
    if job.recipe == "raises":
        raise KeyError("node_7")
    if job.recipe == "hangs":
        time.sleep(600)
    if job.recipe == "eats":
        kept = bytearray(b"x") * (200 << 20)
        time.sleep(600)
    if job.recipe == "leaves":
        import os
        os._exit(0)
    assert Path.cwd() == folder
    assert job.size == (4, 6)
    assert Path(job.frames).read_bytes().startswith(b"\\x93NUMPY")
    assert len(list(Path(job.calibration).iterdir())) == job.samples == 2
    (folder / "made").mkdir()
    made = folder / "made" / "model.tflite"
    made.write_bytes(Path(job.onnx).read_bytes()[::-1] + job.precision.encode())
    (folder / "left_over.bin").write_bytes(bytes(1000))
    return made
"""


@pytest.fixture
def tool(tmp_path):
    """Make the converter, with a recipe that says what it is to do."""
    driver = tmp_path / "fake.py"
    driver.write_text(DRIVER)

    def make(does="converts", fingerprint="1"):
        return Tool("fake", Path(sys.executable), driver, fingerprint, {"fp32": does, "int8": does})

    return make


@pytest.fixture
def network(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"any bytes")
    return ReadyNetwork("net", tmp_path / "net.onnx", sha256_file(tmp_path / "net.onnx"), None, (4, 6))


@pytest.fixture
def frames(tmp_path):
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    for name in ("a.png", "b.png"):
        (pictures / name).write_bytes(b"")
    np.save(tmp_path / "frames.npy", np.zeros((2, 4, 6, 3), np.float32))
    return Frames(pictures, 2, tmp_path / "frames.npy", "0" * 64)


@pytest.fixture
def call(network, frames, tmp_path):
    def run(tool, precision="int8", limits=LIMITS):
        return convert_once(tool, network, precision, frames, tmp_path / "out", limits)

    return run


def test_a_conversion_with_everything_that_is_to_be_known(call, tool, network, frames, tmp_path):
    found, cached = call(tool())
    assert not cached
    assert (found.outcome, found.reason, found.converter, found.precision) == ("converted", "", "fake", "int8")
    file = tmp_path / "out" / found.file.file
    assert file.name == "net_int8_fake.tflite"
    assert file.read_bytes() == b"any bytes"[::-1] + b"int8"
    assert (found.file.sha256, found.file.bytes) == (sha256_file(file), 13)
    assert 0 < found.import_seconds < found.seconds < 60
    assert found.peak_bytes > 5 << 20
    assert found.versions == {"numpy": version_of("numpy")}
    assert (found.onnx_sha256, found.frames_sha256, found.tool_sha256) == (network.onnx_sha256, frames.sha256, "1")
    assert "asked for converts" in (tmp_path / "out" / found.log).read_text()
    assert {path.name for path in file.parent.iterdir()} == {file.name, "log.txt", "record.json"}


def test_the_same_is_not_done_twice(call, tool, tmp_path):
    first, _ = call(tool())
    again, cached = call(tool())
    assert cached
    assert again == first
    assert not call(tool(), "fp32")[1]
    assert not call(tool(fingerprint="2"))[1]
    assert call(tool())[1]
    (tmp_path / "out" / first.file.file).write_bytes(b"damaged")
    repaired, cached = call(tool())
    assert not cached
    assert repaired.file == first.file


@pytest.mark.parametrize(
    ("does", "outcome", "reason", "lasts"),
    [
        ("raises", "failed", "KeyError: 'node_7'", True),
        ("leaves", "failed", "ended well and left no answer", True),
        ("hangs", "timed out", "did not end within 3 s and was stopped", False),
        ("eats", "out of memory", "held more than 100 MiB of memory and was stopped", False),
    ],
)
def test_what_fails_is_told_and_only_what_depends_on_the_machine_is_tried_again(call, tool, does, outcome, reason, lasts, tmp_path):
    limits = Limits(seconds=3 if does == "hangs" else 60, memory_mib=100)
    found, _ = call(tool(does), limits=limits)
    assert (found.outcome, found.reason, found.file) == (outcome, reason, None)
    assert f"asked for {does}" in (tmp_path / "out" / found.log).read_text() or not lasts
    if lasts:
        assert call(tool(does), limits=limits) == (found, True)
    else:
        assert call(tool(), limits=LIMITS)[0].outcome == "converted"


def test_our_own_tool_changes_with_recipe_and_driver(tmp_path):
    table = load_plan("conversion_peers").conversion
    (tmp_path / "own.py").write_text(DRIVER)
    made = [
        make_tool("ours", driver, None, table, tmp_path, {"int8": recipe})
        for driver, recipe in (("redmobile_convert", "litert_int8"), ("redmobile_convert", "litert_int16x8"), ("own.py", "litert_int8"))
    ]
    assert len({tool.fingerprint for tool in made}) == 3
    assert made[2].driver == tmp_path / "own.py"
    assert all(tool.python == Path(sys.executable) for tool in made)
    assert make_tool("ours", "own.py", None, table, tmp_path, {"int8": "litert_int8"}) == made[2]
    with pytest.raises(InputError, match=r"nobody\.py: no such driver"):
        make_tool("ours", "nobody", None, table, tmp_path, {})
