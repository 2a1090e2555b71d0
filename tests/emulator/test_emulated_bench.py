"""`bench --on qemu:CPU`: counts, equality, the bound, and what emulation cannot do."""

import sys

import msgspec
import numpy as np
import pytest

from redmobile import cli
from redmobile.bench.lower_bound import lower_bound
from redmobile.bench.modelled import CacheSimulation, Counts
from redmobile.bench.output_comparison import differences
from redmobile.bench.result import from_builtins, read_results, to_builtins
from redmobile.bench.runner import bench
from redmobile.core.device import load_device
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import InputError, UsageError

COUNTS = Counts(
    instructions=4_000_000,
    simd_dot=1_000_000,
    simd_other=500_000,
    loads=600_000,
    stores=400_000,
    branches=500_000,
    other=1_000_000,
    loaded_bytes=9_600_000,
    stored_bytes=6_400_000,
)
CACHES = CacheSimulation(says="", levels=(), memory_read_bytes=0, memory_written_bytes=0)


def test_a_small_network(system, int8_file, tmp_path):
    heard = []
    result = bench(
        "model_latency",
        str(int8_file),
        on="qemu:cortex-a76",
        target_options={"frames": "2"},
        peers=[str(int8_file)],
        on_progress=lambda *said: heard.append(said),
    )
    found = result.measured
    assert system.folder.is_dir()
    assert result.verdict.outcome == "not measured"
    assert found.outputs.equal
    assert found.outputs.frames == 3
    assert found.outputs.where == ()
    assert found.spread < 0.001
    assert len(found.repeats) == 2
    assert found.counts.instructions == sum(
        getattr(found.counts, kind) for kind in ("simd_dot", "simd_other", "loads", "stores", "branches", "other")
    )
    assert found.counts.simd_dot > 0
    assert [level.level for level in found.caches.levels] == [1, 2, 3]
    assert all(level.hits >= 0 for level in found.caches.levels)
    assert 0 < found.bound.not_faster_than_ms < 1
    assert abs(result.peers[0].counts.instructions / found.counts.instructions - 1) < 0.001
    assert heard[-1][1] == heard[-1][2] - 1
    (tmp_path / "r.json").write_bytes(msgspec.json.encode(result))
    assert read_results(tmp_path / "r.json") == (result,)
    assert from_builtins(to_builtins(result), "r") == result


@pytest.mark.slow
def test_the_released_file_at_1080p_is_bit_equal_on_arm(system):
    assert system.folder.is_dir()
    result = bench("model_latency", on="qemu:cortex-a76", target_options={"frames": "1"})
    assert result.measured.outputs.equal
    assert 200e6 < result.measured.counts.instructions < 400e6
    assert result.measured.bound.limited_by == "SIMD pipelines"


def test_the_bound_is_the_longest_of_its_terms():
    cpu = load_device("cortex-a76").cpu
    bound = lower_bound("a76", cpu, COUNTS, None, None)
    terms = {term.name: term.at_least_ms for term in bound.terms}
    cycle_ms = 1 / 2.4e6
    assert terms == {
        "issuing instructions": pytest.approx(1_000_000 * cycle_ms),
        "SIMD pipelines": pytest.approx(750_000 * cycle_ms),
        "dot products": pytest.approx(500_000 * cycle_ms),
        "first cache": pytest.approx(500_000 * cycle_ms),
    }
    assert bound.limited_by == "issuing instructions"
    assert bound.not_faster_than_ms == max(terms.values())
    assert all(source for term in bound.terms for source in term.sources)
    through_memory = lower_bound("a76", cpu, COUNTS, CACHES, 170_700_000)
    assert through_memory.limited_by == "memory"
    assert through_memory.not_faster_than_ms == pytest.approx(10.0)


def test_no_clock_no_bound():
    assert lower_bound("max", load_device("max").cpu, COUNTS, CACHES, 1) is None


def test_where_outputs_differ():
    spec = TensorSpec("y", (2, 3), "int8", "?")
    expected = np.zeros((2, 3), np.int8)
    found = expected.copy()
    found[1, 1:] = (2, -4)
    (place,) = differences(5, [spec], [expected], [found])
    assert (place.frame, place.output, place.index, place.differing, place.values) == (5, "y", (1, 1), 2, 6)
    assert (place.largest, place.mean) == (4.0, 1.0)
    assert list(differences(0, [spec], [expected], [expected.copy()])) == []


def test_floats_are_compared_bit_by_bit():
    spec = TensorSpec("y", (3,), "float32", "?")
    expected = np.array([np.nan, 0.0, 1.0], np.float32)
    assert list(differences(0, [spec], [expected], [expected.copy()])) == []
    (place,) = differences(0, [spec], [expected], [np.array([np.nan, -0.0, np.nan], np.float32)])
    assert (place.index, place.differing, place.largest) == ((1,), 2, np.inf)


@pytest.mark.parametrize(
    ("plan", "options", "says"),
    [
        ("video_1080p30", {}, r"an emulated processor has no time, so only plans with \[closed_loop\]"),
        ("model_latency", {"runs": 7}, "--runs, --seconds and --scenario are about time"),
        ("model_latency", {"threads": 2}, "Counts are those of one thread, 2 were asked for"),
        ("model_latency", {"delegates": ["redmobile"]}, "--delegate redmobile: for an emulated processor, the path of one aarch64 library"),
        ("model_latency", {"target_options": {"frames": "none"}}, "frames must be a whole number from 1 on, found 'none'"),
        ("model_latency", {"target_options": {"speed": "9"}}, "takes no option speed. It takes: frames"),
    ],
)
def test_what_emulation_cannot_do(int8_file, plan, options, says):
    with pytest.raises(UsageError, match=says):
        bench(plan, str(int8_file), on="qemu:cortex-a76", **options)


def test_addresses(int8_file):
    with pytest.raises(UsageError, match=r"Which processor\? One of .*qemu:cortex-a76"):
        bench("model_latency", str(int8_file), on="qemu")
    with pytest.raises(InputError, match=r"Unknown device 'cortex-a7'"):
        bench("model_latency", str(int8_file), on="qemu:cortex-a7")


def run(monkeypatch, capsys, *arguments):
    """(exit code, stdout, stderr)."""
    monkeypatch.setattr(sys, "argv", ["redmobile", *arguments])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    said = capsys.readouterr()
    return ended.value.code, said.out, said.err


@pytest.mark.usefixtures("system")
def test_parity_on_an_emulated_processor(monkeypatch, capsys, int8_file, tmp_path):
    from redmobile.data.frames import Image, write_image

    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "dark.png", Image(np.random.default_rng(1).integers(0, 60, (64, 96, 3), np.uint8)))
    code, out, err = run(monkeypatch, capsys, "parity", str(int8_file), "--images", str(tmp_path / "photos"), "--on", "qemu:cortex-a53")
    assert (code, err) == (0, "")
    assert "converted → qemu:cortex-a53" in out
    assert "Gate passed: max_difference against converted <= 0 codes (qemu:cortex-a53 gives the same bytes for 1 pictures)" in out


@pytest.mark.usefixtures("system")
def test_parity_fails_where_bytes_differ(monkeypatch, capsys, int8_file, tmp_path):
    from redmobile.data.frames import Image, write_image
    from redmobile.emulator.network import EmulatedNetwork

    (tmp_path / "photos").mkdir()
    write_image(tmp_path / "photos" / "dark.png", Image(np.full((64, 96, 3), 40, np.uint8)))
    true_run = EmulatedNetwork.run

    def one_bit_off(network, *arrays):
        (values,) = true_run(network, *arrays)
        values[0, 3, 5, 1] ^= 1
        return (values,)

    monkeypatch.setattr(EmulatedNetwork, "run", one_bit_off)
    code, out, err = run(monkeypatch, capsys, "parity", str(int8_file), "--images", str(tmp_path / "photos"), "--on", "qemu:cortex-a76")
    assert code == 5
    assert "Gate failed: max_difference against converted <= 0 codes (1 codes over 1 pictures, worst in dark" in out
    assert err.count("\n") == 1
