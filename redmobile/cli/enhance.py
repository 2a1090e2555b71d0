"""`redmobile enhance`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress
from redmobile.cli.options import delegate_of, delegate_options

if TYPE_CHECKING:
    from redmobile.enhance.batch import Outcome, Settings
    from redmobile.enhance.image_model import ImageModel
    from redmobile.enhance.jobs import Job, Plan

_RUNTIMES = ("litert", "onnxruntime", "torch", "tflite", "tensorflow")


@click.command(
    epilog="""\b
Examples:
  redmobile enhance dark.jpg --out bright.jpg
  redmobile enhance holidays/ --out brighter/                 the folder and all below it
  redmobile enhance a.jpg b.png clip.mp4 --out results/
  redmobile enhance dark.jpg --out compare.png --side-by-side
  redmobile enhance dark.tiff --out bright.tiff --model my.onnx --strength 0.7
  redmobile enhance clip.mp4 --out bright.mp4 --delegate redmobile --delegate-option l2=512K

\b
Pictures: JPEG, PNG, WebP, TIFF, BMP, of any size; orientation is applied, colour profile, EXIF, transparency, grey and 16 bits are kept.
Videos: .mp4, .mov, .m4v, .mkv, .webm, .avi; written as H.264 with the sound copied.
Exit code 10: a file could not be read (it is named, the others are done); 11: a result could not be written.
"""
)
@click.argument("inputs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="IN...")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="The result: a file for one file, a folder for several or for a folder.")
@click.option("--model", default="red_mobile", show_default=True, help="A model on the shelf (its INT8 file), or a .tflite or .onnx file.")
@click.option("--runtime", type=click.Choice(_RUNTIMES), help="The engine.  [default: litert for .tflite, onnxruntime for .onnx]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.  [default: all cores]")
@delegate_options
@click.option(
    "--strength", type=click.FloatRange(0, 1), default=1.0, show_default=True, help="0: the input, 1: the network's result, between: a mixture."
)
@click.option("--side-by-side", "compare", is_flag=True, help="Write before and after beside each other.")
@click.option("--crf", type=click.IntRange(0, 51), default=18, show_default=True, help="Quality of videos: 0 is lossless, 51 the worst.")
@click.option("--skip-existing", is_flag=True, help="Leave alone what has a result already. (Else results are replaced; inputs never are.)")
@json_option
def command(
    inputs: tuple[Path, ...],
    out: Path,
    model: str,
    runtime: str | None,
    threads: int | None,
    delegate: str | None,
    delegate_options: dict[str, str],
    as_json: bool,
    **settings: Any,
) -> None:
    """Enhance pictures and videos: files, or folders with all below them."""
    from redmobile.enhance.batch import Outcome, Settings, raise_failures
    from redmobile.enhance.jobs import plan_jobs
    from redmobile.enhance.open_model import open_model

    handed_to = delegate_of(delegate, delegate_options)
    plan = plan_jobs(inputs, out)
    outcomes = [Outcome(path, None, error=error) for path, error in plan.missing]
    single = len(plan.jobs) + len(outcomes) == 1  # its error is raised below, and told there
    for outcome in outcomes:
        _warn(outcome, single=single)
    network = ""
    try:
        if plan.jobs:
            loaded, network = open_model(model, runtime, threads, handed_to)
            _run(plan, loaded, Settings(**settings), outcomes, single=single)
    finally:  # also if a full disk ends it early: what is done is told
        if as_json:
            print_json({"network": network, "files": [_row(outcome) for outcome in outcomes]})
        else:
            _print(outcomes, network)
    raise_failures(outcomes)


def _run(plan: Plan, model: ImageModel, settings: Settings, outcomes: list[Outcome], *, single: bool) -> None:
    """Append to `outcomes` as files are done. Results go to stdout only after the bar has gone: it takes stdout with it."""
    from redmobile.enhance.batch import enhance_all

    with progress() as bar:
        files = bar.add_task("files", total=len(plan.jobs), note="")
        frames = bar.add_task("frames", total=None, visible=False, note="")

        def show(job: Job, done: int, total: int | None) -> None:
            bar.update(frames, completed=done, total=total, visible=job.is_video, note=job.source.name)

        for outcome in enhance_all(plan.jobs, model, settings, show):
            outcomes.append(outcome)
            bar.update(frames, visible=False)
            bar.update(files, advance=1, note=outcome.source.name)
            _warn(outcome, single=single)


def _warn(outcome: Outcome, *, single: bool) -> None:
    if outcome.error is not None and not single:
        ERR.print(f"failed: {outcome.error}", markup=False, style="bold red")
    for remark in outcome.remarks:
        ERR.print(f"{outcome.source}: {remark}", markup=False, style="yellow")


def _print(outcomes: list[Outcome], network: str) -> None:
    for outcome in outcomes:
        if outcome.final is not None:
            OUT.print(f"{outcome.source} -> {outcome.final}{' (was there)' if outcome.skipped else ''}", markup=False)
    done = [outcome for outcome in outcomes if outcome.final is not None and not outcome.skipped]
    seconds, frames = sum(outcome.seconds for outcome in done), sum(outcome.frames for outcome in done)
    skipped = sum(outcome.skipped for outcome in outcomes)
    failed = sum(outcome.error is not None for outcome in outcomes)
    if not outcomes or (failed and len(outcomes) == 1):
        return
    parts = [f"{len(done)} enhanced ({frames} frames, {seconds:.1f} s)"]
    parts += [f"{skipped} there already"] if skipped else []
    parts += [f"{failed} failed"] if failed else []
    OUT.print(f"{', '.join(parts)}{f'; {network}' if network else ''}", markup=False, style="dim")


def _row(outcome: Outcome) -> dict[str, Any]:
    return {
        "source": str(outcome.source),
        "result": None if outcome.final is None else str(outcome.final),
        "frames": outcome.frames,
        "seconds": round(outcome.seconds, 3),
        "skipped": outcome.skipped,
        "remarks": list(outcome.remarks),
        "error": None if outcome.error is None else str(outcome.error),
    }
