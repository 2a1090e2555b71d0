"""Counting on the emulated processor: exact for a program whose instructions are known, and every failure in one line."""

import os

import pytest
from arm_programs import crash, marked_loop, write

from redmobile.emulator.counts import count
from redmobile.errors import InputError, ToolError, UsageError

TURNS = 100


def test_a_known_program_is_counted_exactly(system, tmp_path):
    program = write(tmp_path / "loop", marked_loop(TURNS, regions=2))
    counted = count([str(program)], "cortex-a76", frames=2, system=system)
    for region in counted.regions:
        assert region.instructions == {
            "simd_dot": TURNS,
            "simd_other": TURNS,
            "loads": 2 * TURNS,
            "stores": TURNS,
            "branches": 2 * TURNS,
            "other": 3 * TURNS + 1 + 3,  # movz before the loop, and the mark that ends the region
        }
        assert (region.bytes_loaded, region.bytes_stored) == (TURNS * (8 + 16), TURNS * 8)
    first, second = counted.regions
    assert sum((first.fills_by_loads, first.fills_by_stores)) >= 1  # the stack was touched for the first time
    assert (second.fills_by_loads, second.fills_by_stores, second.misses) == (0, 0, (0, 0, 0))
    assert second.lookups[0] >= 3 * TURNS
    assert counted.threads == 1
    assert counted.spread == 0
    assert counted.settled == second
    assert counted.whole.total > first.total + second.total


def test_a_program_without_marks_is_counted_whole(system, tmp_path):
    counted = count([str(write(tmp_path / "loop", marked_loop(TURNS, regions=0)))], "cortex-a53", system=system)
    assert counted.regions == ()
    assert counted.settled.total == counted.whole.total == 4


def test_a_wrong_number_of_regions(system, tmp_path):
    program = write(tmp_path / "loop", marked_loop(1))
    with pytest.raises(ToolError, match="loop: marked 1 regions, 3 were expected"):
        count([str(program)], "cortex-a76", frames=3, system=system)


def test_a_program_that_fails_or_crashes(system, tmp_path):
    with pytest.raises(ToolError, match="ended with 3 on the emulated processor"):
        count([str(write(tmp_path / "fails", marked_loop(1, exit_code=3)))], "cortex-a76", system=system)
    with pytest.raises(ToolError, match="crashes: ended with -11 on the emulated processor"):
        count([str(write(tmp_path / "crashes", crash()))], "cortex-a76", system=system)


def test_a_processor_without_the_instruction(system, tmp_path):
    with pytest.raises(ToolError, match="ended with -4 on the emulated processor"):  # SIGILL: the A53 has no SDOT
        count([str(write(tmp_path / "loop", marked_loop(1)))], "cortex-a53", system=system)


def test_unknown_things(system, tmp_path):
    with pytest.raises(InputError, match="nothing: no such file; the path of an aarch64 program"):
        count([str(tmp_path / "nothing")], "cortex-a76", system=system)
    with pytest.raises(InputError, match=r"Unknown device 'cortex-a7'\. Known: .*cortex-a76"):
        count(["x"], "cortex-a7", system=system)


def test_a_device_of_ones_own(system, tmp_path):
    own = tmp_path / "tiny,cache.toml"
    own.write_text(
        'says = "s"\nname = "n"\n[cpu]\nemulated_as = "cortex-a76"\n[cpu.processor]\nimplementer = 65\nvariant = 4\npart = 3339\nrevision = 1\n'
        'features = ["fp"]\n[[cpu.caches]]\nlevel = 1\nbytes = 128\nways = 1\nline_bytes = 64\nsource = "made up"\n'
    )
    program = write(tmp_path / "loop", marked_loop(TURNS))
    assert len(count([str(program)], str(own), system=system).settled.misses) == 1
    npu = tmp_path / "npu.toml"
    npu.write_text('says = "s"\nname = "n"\n[npu]\nkind = "ethos-u"\naccelerator = "a"\nsystem_config = "s"\nmemory_mode = "m"\nsource = "s"\n')
    with pytest.raises(UsageError, match="is no processor that QEMU emulates"):
        count([str(program)], str(npu), system=system)


def test_nothing_of_this_machine_reaches_the_program(system, tmp_path, monkeypatch):
    program = write(tmp_path / "loop", marked_loop(TURNS))
    plain = count([str(program)], "cortex-a76", system=system)
    monkeypatch.setenv("QEMU_CPU", "cortex-a53")
    assert count([str(program)], "cortex-a76", system=system) == plain
    assert os.environ["QEMU_CPU"] == "cortex-a53"
