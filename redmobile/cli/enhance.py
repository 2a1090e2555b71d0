"""`redmobile enhance`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress
from redmobile.cli.options import delegate_of, delegate_options
from redmobile.errors import UsageError

if TYPE_CHECKING:
    from redmobile.enhance.batch import Outcome, Settings
    from redmobile.enhance.control import Control
    from redmobile.enhance.image_model import ImageModel
    from redmobile.enhance.jobs import Job, Plan
    from redmobile.enhance.spread import Network

_REGIONS = ("faces", "highlights", "shadows", "sky")
_RUNTIMES = ("litert", "onnxruntime", "torch", "tflite", "tensorflow")


@click.command(
    epilog="""\b
Examples:
  redmobile enhance dark.jpg --out bright.jpg
  redmobile enhance holidays/ --out brighter/                 the folder and all below it
  redmobile enhance a.jpg b.png clip.mp4 --out results/
  redmobile enhance dark.jpg --out compare.png --side-by-side
  redmobile enhance photos/ --out brighter/ --cluster local:4     four processes; started again, it does only what is left
  redmobile enhance s3://mine/photos --out s3://mine/bright --cluster tcp://scheduler:8786
  redmobile enhance dark.tiff --out bright.tiff --model my.onnx --strength 0.7
  redmobile enhance clip.mp4 --out bright.mp4 --delegate redmobile --delegate-option l2=512K
  redmobile enhance album/ --out better/ --task auto          what is bright already stays as it is
  redmobile enhance dark.jpg --out bright.jpg --say "brighten the shadows a little, leave the sky"

\b
Pictures: JPEG, PNG, WebP, TIFF, BMP, of any size; orientation is applied, colour profile, EXIF, transparency, grey and 16 bits are kept.
Videos: .mp4, .mov, .m4v, .mkv, .webm, .avi; written as H.264 with the sound copied.
Exit code 10: a file could not be read (it is named, the others are done); 11: a result could not be written.
"""
)
@click.argument("inputs", nargs=-1, required=True, metavar="IN...")
@click.option("--out", required=True, help="The result: a file for one file; a folder for several or for a folder, and always with --cluster.")
@click.option("--cluster", metavar="local:N|ADDRESS", help="Spread the files over a Dask cluster: N processes here, or the scheduler at an address.")
@click.option("--model", help="A model on the shelf (its INT8 file), or a .tflite or .onnx file.  [default: the one for the task, else red_mobile]")
@click.option("--runtime", type=click.Choice(_RUNTIMES), help="The engine.  [default: litert for .tflite, onnxruntime for .onnx]")
@click.option("--threads", type=click.IntRange(min=1), help="Threads of the engine.  [default: all cores]")
@delegate_options
@click.option("--strength", type=click.FloatRange(0, 1.5), help="0: the input, 1: the network's result, 1.5: half as much again.  [default: 1]")
@click.option(
    "--task",
    type=click.Choice(["lowlight", "deblur", "upscale", "restore", "medical", "auto"]),
    help="What is wrong. auto: brighten as far as a picture is dark; upscale: twice the size.  [default: lowlight]",
)
@click.option("--protect", multiple=True, type=click.Choice(_REGIONS), help="Leave this part as it is.")
@click.option("--focus", multiple=True, type=click.Choice(_REGIONS), help="Change this part alone. (What each finds: redmobile/enhance/regions.py.)")
@click.option("--say", metavar="SENTENCE", help="Instead of these four: e.g. 'brighten the shadows a little, leave the sky'.")
@click.option("--side-by-side", "compare", is_flag=True, help="Write before and after beside each other.")
@click.option("--crf", type=click.IntRange(0, 51), default=18, show_default=True, help="Quality of videos: 0 is lossless, 51 the worst.")
@click.option("--skip-existing", is_flag=True, help="Leave alone what has a result already. (Else results are replaced; inputs never are.)")
@json_option
def command(
    inputs: tuple[str, ...],
    out: str,
    cluster: str | None,
    model: str | None,
    runtime: str | None,
    threads: int | None,
    delegate: str | None,
    delegate_options: dict[str, str],
    strength: float | None,
    task: str | None,
    protect: tuple[str, ...],
    focus: tuple[str, ...],
    say: str | None,
    as_json: bool,
    **others: Any,
) -> None:
    """Enhance pictures and videos: files, or folders with all below them."""
    from redmobile.enhance.batch import Outcome, Settings, raise_failures
    from redmobile.enhance.jobs import plan_jobs
    from redmobile.enhance.open_model import open_model
    from redmobile.enhance.tasks import model_for

    task, control = _control(strength, task, protect, focus, say)
    settings = Settings(control=control, **others)
    model = model_for(task, model)
    handed_to = delegate_of(delegate, delegate_options)
    if cluster:
        if handed_to:
            raise UsageError("--delegate: with --cluster every worker would need the library; leave one of the two out.")
        from redmobile.enhance.spread import read_network

        _spread(inputs, out, cluster, read_network(model, runtime, threads), settings, as_json=as_json)
        return
    urls = [given for given in (*inputs, out) if "://" in given]
    if urls:
        raise UsageError(f"{urls[0]}: URLs go with --cluster (local:1 is one process here).")
    plan = plan_jobs([Path(given) for given in inputs], Path(out))
    outcomes = [Outcome(path, None, error=error) for path, error in plan.missing]
    single = len(plan.jobs) + len(outcomes) == 1  # its error is raised below, and told there
    for outcome in outcomes:
        _warn(outcome, single=single)
    network = ""
    try:
        if plan.jobs:
            loaded, network = open_model(model, runtime, threads, handed_to)
            _run(plan, loaded, settings, outcomes, single=single)
    finally:  # also if a full disk ends it early: what is done is told
        if as_json:
            print_json({"network": network, "files": [_row(outcome) for outcome in outcomes]})
        else:
            _print(outcomes, network)
    raise_failures(outcomes)


def _control(strength: float | None, task: str | None, protect: tuple[str, ...], focus: tuple[str, ...], say: str | None) -> tuple[str, Control]:
    from redmobile.enhance.control import Control
    from redmobile.enhance.say import understand

    if say is None:
        task = task or "lowlight"
        return task, Control(1.0 if strength is None else strength, task == "auto", task == "upscale", protect, focus)
    if strength is not None or task or protect or focus:
        raise UsageError("--say stands instead of --strength, --task, --protect and --focus; give the sentence or the flags.")
    said = understand(say)
    ERR.print(f"understood: {said}", markup=False)
    return said.task, said.control


def _spread(inputs: tuple[str, ...], out: str, cluster: str, network: Network, settings: Settings, *, as_json: bool) -> None:
    from redmobile.enhance.batch import raise_failures
    from redmobile.enhance.spread import enhance_spread, plan_work

    works = plan_work(inputs, out)
    outcomes: list[Outcome] = []
    try:
        with progress() as bar:
            files = bar.add_task("files", total=len(works), note="")

            def show(outcome: Outcome) -> None:
                outcomes.append(outcome)
                bar.update(files, advance=1, note=Path(outcome.source).name)
                _warn(outcome, single=len(works) == 1)

            enhance_spread(works, out, network, settings, cluster, show)
    finally:
        says = f"{network.name} on {cluster}"
        if as_json:
            print_json({"network": says, "files": [_row(outcome) for outcome in outcomes]})
        else:
            _print(outcomes, says)
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
            bar.update(files, advance=1, note=Path(outcome.source).name)
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
