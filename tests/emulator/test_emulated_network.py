"""The real LiteRT, aarch64, on a small INT8 network: the same bits as here, counts that repeat, and failures in one line."""

import numpy as np
import pytest

from redmobile.emulator.cpus import cpu_names, load_cpu
from redmobile.emulator.network import EmulatedNetwork
from redmobile.errors import DeviceError, InputError, ToolError
from redmobile.runtimes.base import open_runtime


def codes(spec):
    return np.random.default_rng(3).integers(-128, 128, spec.shape).astype(np.int8)


@pytest.mark.parametrize("name", ["cortex-a53", "cortex-a76", "max"])
def test_the_same_bits_as_here_and_counts_that_repeat(system, int8_file, name):
    here = open_runtime(int8_file)
    there = EmulatedNetwork(int8_file, load_cpu(name)[1], counting=True, system=system)
    assert there.inputs == here.inputs
    assert there.outputs == here.outputs
    array = codes(here.inputs[0])
    for _ in range(4):
        assert np.array_equal(there.run(array)[0], here.run(array)[0])
    counted = there.finish()
    assert len(counted.regions) == 4
    assert counted.spread < 0.001
    assert (counted.settled.instructions["simd_dot"] > 0) == (name != "cortex-a53")
    assert counted.settled.bytes_loaded > 64 * 96 * 3


@pytest.mark.slow
def test_tflite_runtime_is_there_too(system, int8_file):
    there = EmulatedNetwork(int8_file, load_cpu("neoverse-n1")[1], engine="tflite", system=system)
    here = open_runtime(int8_file)
    array = codes(here.inputs[0])
    assert there.version == "2.14.0"
    assert np.abs(there.run(array)[0].astype(int) - here.run(array)[0].astype(int)).max() <= 2  # another requantization (facts of TFLite)
    there.close()


def test_a_file_that_the_engine_refuses(system, tmp_path):
    (tmp_path / "broken.tflite").write_bytes(b"no network at all")
    with pytest.raises(InputError, match=r"broken\.tflite: litert on the emulated processor cannot load or run it"):
        EmulatedNetwork(tmp_path / "broken.tflite", load_cpu("cortex-a76")[1], system=system)


def test_a_process_that_dies(system, int8_file):
    there = EmulatedNetwork(int8_file, load_cpu("cortex-a76")[1], system=system)
    there._process.kill()
    with pytest.raises(ToolError, match=r"small_int8\.tflite: the emulated process ended with -9"):
        there.run(codes(there.inputs[0]))


def test_counts_only_where_something_counts(system, int8_file):
    there = EmulatedNetwork(int8_file, load_cpu("cortex-a76")[1], system=system)
    with pytest.raises(ToolError, match="nothing was counted"):
        there.finish()
    there.close()


@pytest.mark.usefixtures("system")
def test_every_emulated_processor_is_a_runtime(int8_file):
    runtime = open_runtime(int8_file, "qemu:cortex-a76", threads=2)
    here = open_runtime(int8_file)
    assert runtime.name == f"{here.name} on qemu:cortex-a76"
    assert np.array_equal(runtime.run(codes(here.inputs[0]))[0], here.run(codes(here.inputs[0]))[0])
    assert {"cortex-a53", "cortex-a76", "neoverse-n1", "max"} <= set(cpu_names())


def test_a_delegate_that_is_none(system, int8_file, tmp_path):
    (tmp_path / "none.so").write_bytes(b"no library")
    with pytest.raises(DeviceError, match=r"litert \+ none\.so on the emulated processor cannot load or run it \(.*none\.so"):
        EmulatedNetwork(int8_file, load_cpu("cortex-a76")[1], delegate=tmp_path / "none.so", system=system)
