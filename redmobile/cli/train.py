"""`redmobile train`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress
from redmobile.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from redmobile.train.plan import TrainingPlan


@click.command(
    epilog="""\b
Examples:
  redmobile train red_mobile --photos photos/ --out runs/first
  redmobile train red_mobile --photos photos/ --pairs lol/ --hold-out 500-549 --out runs/low_light
  redmobile train red_mobile --photos photos/ --pairs lol/ --plan models/red_mobile/training.toml --out runs/again
  redmobile train red_mobile --photos photos/ --degrade all --out runs/general
  redmobile train red_mobile --photos photos/ --plan quantize.toml --start-from w.safetensors --int8-from w_int8.tflite --out runs/int8
  redmobile train red_teacher --photos photos/ --pairs lol/ --degrade all --out runs/teacher
  redmobile train red_mobile --photos photos/ --degrade all --teacher red_teacher --teacher-weights runs/teacher/weights.safetensors --out runs/taught
  redmobile train red_mobile --photos photos/ --out runs/first --resume
  torchrun --nproc-per-node 4 -m redmobile train red_mobile --photos photos/ --batch 64 --out runs/four_gpus
"""
)
@click.argument("model")
@click.option(
    "--photos",
    type=click.Path(path_type=Path),
    help="Folder of clean photographs, or of .tar shards with some: degraded on the fly, no labels needed. Every tenth is held out.",
)
@click.option("--pairs", type=click.Path(path_type=Path), help="Folder with low/ and high/, same names: real pairs to fine-tune on.")
@click.option(
    "--hold-out", metavar="FIRST-LAST", help="Pairs with these numbers in their names validate and never train. Default: the last tenth by name."
)
@click.option(
    "--out",
    "run",
    type=click.Path(path_type=Path),
    required=True,
    help="Folder of the run: log.csv, validation.png, checkpoints, weights.safetensors.",
)
@click.option("--plan", "plan_file", type=click.Path(path_type=Path), help="A TOML of phases; the options below do not go with it.")
@click.option(
    "--degrade",
    metavar="NAME|TOML",
    help="What happens to photographs: all, blur, old_photo, … or a TOML (`redmobile data preview`).  [default: low_light]",
)
@click.option("--steps", type=click.IntRange(1), default=20_000, show_default=True, help="Steps of pre-training on photographs.")
@click.option("--pair-steps", type=click.IntRange(1), default=10_000, show_default=True, help="Steps of fine-tuning on pairs.")
@click.option("--batch", type=click.IntRange(1), default=16, show_default=True, help="Crops a step.")
@click.option("--crop", type=click.IntRange(64), default=256, show_default=True, help="Side of a crop in pixels.")
@click.option(
    "--lr",
    type=click.FloatRange(0, min_open=True),
    default=1e-4,
    show_default=True,
    help="Highest learning rate; cosine annealing to zero in each phase.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Of the first weights and of every batch.")
@click.option("--every", type=click.IntRange(1), default=500, show_default=True, help="Steps between validations, log lines and checkpoints.")
@click.option("--start-from", type=click.Path(path_type=Path), help="Weights (.safetensors) to begin with.")
@click.option(
    "--int8-from",
    type=click.Path(path_type=Path),
    help="An INT8 .tflite of this model, as convert makes it of the float weights: quantized phases begin with its weights and scales.",
)
@click.option("--teacher", metavar="MODEL", help="Learn from this network too: a model on the shelf or a folder, with its weights.")
@click.option("--teacher-weights", type=click.Path(path_type=Path), help="Other weights (.safetensors) for the teacher.")
@click.option("--tensorboard", is_flag=True, help="Write curves and validation sheets for TensorBoard too, into OUT/tensorboard.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads. Default: all cores.")
@click.option("--resume", is_flag=True, help="Go on from the run's last checkpoint, bit for bit.")
@json_option
def command(
    model: str,
    photos: Path | None,
    pairs: Path | None,
    hold_out: str | None,
    run: Path,
    plan_file: Path | None,
    degrade: str | None,
    steps: int,
    pair_steps: int,
    batch: int,
    crop: int,
    lr: float,
    seed: int,
    every: int,
    start_from: Path | None,
    int8_from: Path | None,
    teacher: str | None,
    teacher_weights: Path | None,
    tensorboard: bool,
    threads: int | None,
    resume: bool,
    as_json: bool,
) -> None:
    """Train MODEL: pre-training on photographs that are degraded on the fly, then fine-tuning on real pairs.

    Needs --photos, --pairs or both. The weights that come out are the moving average; validation pictures are never trained on.
    """
    if not (photos or pairs):
        raise UsageError("Nothing to learn from: give --photos DIR, --pairs DIR or both.")
    if teacher_weights and not teacher:
        raise UsageError("--teacher-weights belongs to a teacher: give --teacher MODEL too.")
    plan = _plan(plan_file, photos, pairs, degrade, teacher is not None, steps, pair_steps, batch, crop, lr, seed, every)
    try:
        from redmobile.export.read_back import read_back
        from redmobile.train.board import Board
        from redmobile.train.loop import Progress, Training
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile train") from error
    from redmobile.nets.checkpoint import load_model
    from redmobile.nets.model_document import load_model_document
    from redmobile.train.pictures import load_pictures
    from redmobile.train.threads import use_threads

    if threads:
        use_threads(threads)
    _, document = load_model_document(model)
    ERR.print(f"{sum(phase.steps for phase in plan.phase)} steps; reading pictures …") if ERR.is_terminal else None
    begin = read_back(int8_from, document) if int8_from else None
    guide = load_model(teacher, teacher_weights) if teacher else None
    training = Training(document, plan, load_pictures(plan, photos, pairs, hold_out), run, start_from, begin, guide)
    training.resume() if resume else training.start()
    if tensorboard and training.processes.is_first:
        training.board = Board(run)
    with progress(quiet=not training.processes.is_first) as bar:
        task = bar.add_task("training", total=plan.steps, completed=training.step, note="")

        def show(now: Progress) -> None:
            bar.update(task, completed=now.step, description=now.source, note=f"loss {now.loss:.4f}  validation {now.psnr:.2f} dB {now.ssim:.3f}")

        weights = training.go(show)
    if not training.processes.is_first:
        return
    last = training.rows[-1]
    if as_json:
        print_json({"weights": str(weights), "steps": training.step, **last})
    else:
        OUT.print(f"{weights}: {training.step} steps, validation {last['validation_psnr_db']:.2f} dB, SSIM {last['validation_ssim']:.3f}")


def _plan(
    plan_file: Path | None,
    photos: Path | None,
    pairs: Path | None,
    degrade: str | None,
    taught: bool,
    steps: int,
    pair_steps: int,
    batch: int,
    crop: int,
    lr: float,
    seed: int,
    every: int,
) -> TrainingPlan:
    from redmobile.core.documents import load_toml
    from redmobile.data.composition import recipes_of
    from redmobile.train.plan import Distill, Phase, TrainingPlan

    if plan_file:
        if degrade:
            raise UsageError("--degrade does not go with --plan: the plan's phases say what happens to photographs (degrade = …).")
        return load_toml(plan_file, TrainingPlan)
    phases = []
    distill = Distill() if taught else None
    recipes = recipes_of(degrade) if degrade else None
    if photos:
        phases.append(Phase(source="photos", steps=steps, batch=batch, crop=(crop, crop), learning_rate=lr, degrade=recipes, distill=distill))
    if pairs:
        phases.append(Phase(source="pairs", steps=pair_steps, batch=batch, crop=(crop, crop), learning_rate=lr, distill=distill))
    return TrainingPlan(phase=tuple(phases), seed=seed, every=every)
