"""Inner loops in listings, and what llvm-mca makes of the kernels'."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner

from redmobile.cli import group
from redmobile.core import installation
from redmobile.errors import DeviceError, UsageError
from redmobile.kernels import mca
from redmobile.kernels.library import build_library, missing_tools
from redmobile.kernels.loops import inner_loops

_LISTING = """
library.so:     file format elf64-littleaarch64

Disassembly of section .text:

0000000000000100 <row>:
 100:\tcbz\tx3, 140 <row+0x40>
 104:\tmov\tx4, #0x0
 108:\tld1\t{v1.16b}, [x0], #16
 10c:\tcbz\tx5, 118 <row+0x18>
 110:\tadd\tx6, x6, #0x1
 114:\tadd\tx6, x6, #0x2
 118:\tsdot\tv0.4s, v1.16b, v2.4b[0]
 11c:\tsqdmulh\tv3.4s, v0.4s, v4.4s
 120:\tstr\tq9, [sp, #16]
 124:\tst1\t{v3.d}[1], [x1]
 128:\tstp\td1, d2, [x2]
 12c:\tadd\tx4, x4, #0x1
 130:\tcmp\tx4, x3
 134:\tb.ne\t108 <row+0x8>  // b.any
 138:\tsubs\tx7, x7, #0x1
 13c:\tb.ne\t104 <row+0x4>
 140:\tret

0000000000000150 <straight>:
 150:\tb\t154 <straight+0x4>
 154:\tret

0000000000000160 <row>:
 160:\tfcvtns\tv0.4s, v0.4s
 164:\tsmax\tv0.16b, v0.16b, v1.16b
 168:\tb\t160 <row>
"""


def test_the_shortest_way_round_the_innermost_loops():
    first, second = inner_loops(_LISTING)
    assert (first.function, second.function) == ("row", "row'")
    assert [instruction.name for instruction in first.body][:3] == ["ld1", "cbz", "sdot"]  # past 110, which is not always gone
    assert len(first.body) == 10
    assert str(first.body[-1]) == "b.ne .L1"
    assert (first.products, first.product, first.outputs, first.spills) == (1, "sdot", 8 + 16, 1)
    assert (first.requantizes, second.requantizes) == ("line", "float+clamp")
    assert first.vectors == 2


def test_an_unknown_processor_is_refused():
    with pytest.raises(UsageError, match=r"No model of 'pentium' is asked\. Known: cortex-a55, neoverse-n1"):
        mca.estimate("pentium", [])
    ended = CliRunner().invoke(group, ["kernels", "mca", "--cpu", "pentium"])
    assert ended.exit_code == 2


def test_the_command_knows_the_processors_that_the_library_knows():
    from redmobile.cli import kernels

    assert tuple(mca.CPUS) == kernels._CPUS


def test_without_llvm_it_says_what_to_install(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(DeviceError, match=r"needs aarch64-linux-gnu-objdump \(apt install binutils-aarch64-linux-gnu\) and llvm-mca-19"):
        mca.library_loops(tmp_path / "none.so")
    with pytest.raises(DeviceError, match=r"llvm-mca-19 \(apt install llvm-19\)"):
        mca.estimate("neoverse-n1", [])


def test_doctor_names_what_it_needs():
    known = {program.name: program.install for program in installation.PROGRAMS}
    assert known[mca.PROGRAM] == "apt-get install llvm-19"
    assert "binutils-aarch64-linux-gnu" in known[mca.OBJDUMP]


@pytest.fixture(scope="module")
def loops():
    if missing := (*missing_tools("aarch64-linux"), *mca.missing_mca_tools()):
        pytest.skip(f"needs {' and '.join(missing)}")
    return mca.library_loops(build_library("aarch64-linux"))


@pytest.mark.slow
def test_loops_of_products_reach_three_quarters_of_the_peak(loops):
    """Every convolution of more than one row or of more than 48 channels: 3x3 among them. They do nothing but multiply and add."""
    multiplying = [loop for loop in loops if loop.product == "sdot" and not loop.outputs]
    estimates = mca.estimate("neoverse-n1", multiplying)
    assert estimates
    for found in estimates:
        assert found.peak == pytest.approx(2, rel=0.05)
        assert found.share_of_peak >= 0.75, found.loop.function


@pytest.mark.slow
@pytest.mark.parametrize(
    ("what", "products_a_code", "most"),
    [("16 channels in", 1, 2.3), ("32 channels in", 2, 3.4), ("48 channels in", 3, 4.9), ("depthwise 3x3, stride 1", 0.75, 2.8)],
)
def test_instructions_a_code_do_not_grow(loops, what, products_a_code, most):
    """Counts, the same on every machine with this compiler, of the best loop of its kind: requantization by a line, no clamp."""
    found = [
        len(loop.body) / loop.outputs
        for loop in loops
        if loop.product == "sdot" and loop.requantizes == "line" and loop.products == products_a_code * loop.outputs
    ]
    assert found, what
    assert min(found) <= most


@pytest.mark.slow
@pytest.mark.usefixtures("loops")
def test_the_command_shows_all_of_them():
    ended = CliRunner().invoke(group, ["kernels", "mca", "--json"])
    assert ended.exit_code == 0, ended.output
    (rows,) = json.loads(ended.output).values()
    assert {"sdot", "smmla"} <= {row["product"] for row in rows}
    for row in rows:
        assert row["cycles"] > 0
        assert row["share_of_peak"] is None or row["share_of_peak"] <= min(1, row["limit"]) + 0.01
    table = CliRunner().invoke(group, ["kernels", "mca"], env={"COLUMNS": "200"})
    assert "estimates by llvm-mca" in table.output
