"""Results of kinds 'memory' and 'accuracy'."""

from __future__ import annotations

from redmobile.report.bench_common import Common, coverage_blocks, file_name, machine_blocks, share_of
from redmobile.report.document import Place
from redmobile.report.view import BarsBlock, Block, Cell, Part, Run, TableBlock


def memory_run(result: Place) -> Run:
    """A run from a result of kind 'memory'."""
    common, loads = Common.of(result, result["model"]), result["loads"].items()
    peak = result.figure("peak_bytes", "peak memory", "bytes")
    own = result.figure("own_bytes", "engine and network", "bytes")
    arena = result.figure("arena_bytes", "activations, at least", "bytes")
    known = [(figure.label, figure) for figure in (peak, own, arena) if figure.value is not None]
    longest = max(figure.value or 0.0 for _, figure in known)
    rows: list[list[Cell]] = [
        [
            f"process {number}",
            load.figure("before_bytes", "before", "bytes"),
            load.figure("peak_bytes", "peak", "bytes"),
            load.figure("init_ms", "", "ms"),
        ]
        for number, load in enumerate(loads, 1)
    ]
    blocks: list[Block] = [
        BarsBlock("Memory", "bytes", [Part(label, figure, share_of(figure.value, longest)) for label, figure in known]),
        TableBlock("Process by process", ["", "before it loaded", "peak", "load"], rows),
        *coverage_blocks(loads[0]),
        *machine_blocks(result),
    ]
    return common.run("measured", [peak, own, arena], {"peak memory": peak}, blocks, result["stability"], loads[0])


def accuracy_run(result: Place) -> Run:
    """A run from a result of kind 'accuracy'."""
    common = Common.of(result, result["model"])
    psnr = result.figure("psnr_db", "PSNR, mean", "dB")
    tiles = [psnr, result.figure("worst_db", "PSNR, worst picture", "dB"), result.figure("ssim", "SSIM, mean", "score")]
    pictures = result["pictures"].items()
    known = [picture for picture in pictures if picture.get("psnr_db")]
    longest = max((picture["psnr_db"].number() for picture in known), default=0.0)
    parts = [
        Part(picture["picture"].text(), picture.figure("psnr_db", "PSNR", "dB"), share_of(picture["psnr_db"].number(), longest)) for picture in known
    ]
    rows: list[list[Cell]] = [
        [
            picture["picture"].text(),
            picture.figure("psnr_db", "PSNR", "dB"),
            picture.figure("ssim", "SSIM", "score"),
            picture.figure("largest_codes", "largest", "codes"),
        ]
        for picture in pictures
    ]
    blocks: list[Block] = [
        *([BarsBlock("PSNR by picture", "PSNR", parts)] if parts else []),
        TableBlock("Pictures", ["", "PSNR", "SSIM", "largest difference"], rows, says=f"Against {file_name(result['reference'])}; – means equal."),
        *machine_blocks(result),
    ]
    return common.run("measured", tiles, {"PSNR": psnr}, blocks, result["stability"], result["load"])
