"""The training loop. Every batch is a function of seed and step, so a resumed run goes on bit for bit."""

from __future__ import annotations

import concurrent.futures
import contextlib
import copy
import csv
import dataclasses
import io
import math
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import cv2
import msgspec
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from redmobile.core.artifact import write_bytes, write_text
from redmobile.core.documents import from_dict
from redmobile.core.environment import describe
from redmobile.data.datasets import Batch, Pair, Pairs, Photos, as_batch
from redmobile.errors import OutputError, TrainingError, UsageError
from redmobile.nets.blocks.rounding import measuring, roundings, set_rounding
from redmobile.nets.blocks.whitened import whiten
from redmobile.nets.checkpoint import INT8_WEIGHTS, WEIGHTS, Network, build_network, float_state, load_weights, save_weights
from redmobile.nets.model_document import ModelDocument, RedDetailDocument
from redmobile.train.board import Board
from redmobile.train.checkpoint import INDEX, load_checkpoint, save_checkpoint
from redmobile.train.distill import Distillation
from redmobile.train.evaluate import evaluate
from redmobile.train.losses import agreement_loss, enhancement_loss
from redmobile.train.plan import Phase, TrainingPlan
from redmobile.train.processes import Processes

LOG = "log.csv"
SHEET = "validation.png"
_MEASURED = 24
"""Batches that the first ranges of a quantized phase are measured on."""
_COLUMNS = ("step", "source", "learning_rate", "loss", "validation_psnr_db", "validation_ssim")


@dataclasses.dataclass(frozen=True)
class Pictures:
    """What a run learns from and is judged by. A source may be absent where no phase asks for it."""

    photos: Photos | None
    pairs: Pairs | None
    validation: Sequence[Pair]


@dataclasses.dataclass(frozen=True)
class Progress:
    """Told after each step: `step` of `steps` done; psnr, ssim: of the last validation, NaN before it."""

    step: int
    steps: int
    source: str
    loss: float
    psnr: float
    ssim: float


class Training:
    """One run, in the folder `run`: log.csv, validation.png, checkpoints, the averaged weights of each phase, and weights.safetensors.

    A plan with quantized phases also leaves weights_int8.safetensors.
    """

    def __init__(
        self,
        document: ModelDocument,
        plan: TrainingPlan,
        pictures: Pictures,
        run: Path,
        start_from: Path | None = None,
        int8_from: dict[str, Tensor] | None = None,
        teacher: Network | None = None,
    ) -> None:
        """start_from: weights to begin with, instead of fresh ones; teacher: of phases that distill.

        int8_from: the state that quantized phases begin with, with grids (export/read_back.py); without it grids are measured.
        Raises UsageError if a phase lacks its pictures or its teacher, or comes too early.
        """
        plan.check()
        if isinstance(document, RedDetailDocument) and any(phase.quantize for phase in plan.phase):
            # What the export tells quantizers is parameters' values, and those of a RED-detail are not the graph's weights.
            raise UsageError("A phase of the plan quantizes, which a RED-detail cannot learn yet; leave it out: calibration is enough for it.")
        if teacher is None and any(phase.distill for phase in plan.phase):
            raise UsageError("A phase of the plan distills: give --teacher MODEL.")
        for phase in plan.phase:
            needed = {"photos": phase.photos_in_batch, "pairs": phase.batch - phase.photos_in_batch}
            for source in (source for source, count in needed.items() if count and getattr(pictures, source) is None):
                raise UsageError(f"A phase of the plan learns from {source}: give --{source} DIR.")
        self._degraders = {id(phase): phase.degrader() for phase in plan.phase}
        torch.manual_seed(plan.seed)
        self.document, self.plan, self.pictures, self.run = document, plan, pictures, run
        self.processes = Processes()
        for phase in plan.phase:
            self.processes.share(phase.batch)
        self.device = self.processes.device
        self.network = build_network(document)
        if start_from:
            load_weights(self.network, start_from)
            if _has_grids(self.network):
                raise UsageError(f"{start_from}: was trained for INT8 already; start from the float network's weights ({WEIGHTS}).")
        self.network.to(self.device, memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's stub misses this form
        self.average = copy.deepcopy(self.network).requires_grad_(requires_grad=False)
        self.int8_from = int8_from
        self.whole: Network | None = None  # what a quantized phase is to agree with
        # After the copy: the average is not watched.
        self._distillation = Distillation(self.network, _settled(teacher, self.device)) if teacher else None
        self._forward = self.processes.runner(self.network)
        self.optimizer = torch.optim.AdamW(_groups(self.network, plan.weight_decay), lr=0.0)
        self.board: Board | None = None
        self.step = 0
        self.rows: list[dict[str, Any]] = []

    def start(self) -> None:
        """Begin anew. Raises OutputError if the folder already holds a run."""
        if (self.run / INDEX).exists() or (self.run / WEIGHTS).exists():
            raise OutputError(f"{self.run}: already holds a run; give --resume to go on with it, or another folder.")

    def resume(self) -> None:
        """Go on from the newest checkpoint. Raises InputError, and UsageError if its plan is another one."""
        about = load_checkpoint(self.run, self.network, self.average, self.optimizer)
        if from_dict(about["plan"], TrainingPlan, f"{self.run / INDEX}: plan") != self.plan:
            raise UsageError(f"{self.run}: was started with another plan (see {INDEX}); resume with the same options, or start a new run.")
        self.step, self.rows = about["step"], about["log"]

    def go(self, on_progress: Callable[[Progress], None] | None = None) -> Path:
        """Train to the end of the plan; returns the path of the weights. Raises TrainingError if the loss is not finite."""
        with _denormals_flushed():
            return self._go(on_progress)

    def _go(self, on_progress: Callable[[Progress], None] | None) -> Path:
        losses: list[float] = []
        if self.step == 0:
            whiten(self.network, self._first_pictures(self.plan.phase[0]))
            self.average.load_state_dict(self.network.state_dict())
        for batch in self._batches():
            phase, step_in_phase = self.plan.at(self.step)
            if phase.quantize and self.whole is None:
                self._quantize(phase)
            loss = self._step(phase, step_in_phase, batch)
            losses.append(loss)
            self.step += 1
            if self.step % self.plan.every == 0 or step_in_phase + 1 == phase.steps:
                if self.processes.is_first:  # the others wait for it when they next share a gradient
                    self._take_stock(phase, step_in_phase, losses)
                losses = []
            if on_progress:
                on_progress(self._progress(phase, loss))
        weights = self._save()
        self.processes.end()
        return weights

    def _save(self) -> Path:
        """The averaged weights, under the name that says whether they are those of the float network."""
        quantized = self.whole is not None
        weights = self.run / (INT8_WEIGHTS if quantized else WEIGHTS)
        if self.processes.is_first:
            save_weights(weights, self.average.state_dict() if quantized else float_state(self.average))
        self.processes.wait()
        return weights

    def _batches(self) -> Iterator[Batch]:
        """The batches from the present step on; the next one is made while the network works on the last."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool:
            ahead = [pool.submit(self._share, step) for step in range(self.step, min(self.step + 2, self.plan.steps))]
            for step in range(self.step, self.plan.steps):
                ready = ahead.pop(0).result()
                if step + 2 < self.plan.steps:
                    ahead.append(pool.submit(self._share, step + 2))
                yield ready

    def _share(self, step: int) -> Batch:
        """This process's part of the batch of `step`."""
        phase, _ = self.plan.at(step)
        return as_batch([self._sample(phase, step, index) for index in self.processes.share(phase.batch)])

    def _sample(self, phase: Phase, step: int, index: int) -> Pair:
        """Sample `index` of the batch of `step`: a function of these two and the seed, whoever makes it. Pairs come first in a batch."""
        rng = np.random.default_rng([self.plan.seed, step, index])
        if self.pictures.pairs and index < phase.batch - phase.photos_in_batch:
            return self.pictures.pairs.sample(rng, phase.crop)
        assert self.pictures.photos is not None  # noqa: S101 - the constructor has refused it
        return self.pictures.photos.sample(rng, phase.crop, self._degraders[id(phase)])

    def _step(self, phase: Phase, step_in_phase: int, batch: Batch) -> float:
        low, high = (self._to_device(part) for part in batch)
        loss = self._loss(phase, low, high)
        value = self.processes.mean(loss)
        if not math.isfinite(value):
            kept = f"the last checkpoint in {self.run} is whole" if (self.run / INDEX).exists() else "no checkpoint was written yet"
            raise TrainingError(
                f"The loss became {value} at step {self.step} (learning rate {phase.rate(step_in_phase):.2g}); {kept}. Try a lower --lr."
            )
        self.optimizer.zero_grad(set_to_none=True)
        self.processes.backward(loss)
        nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip_norm)
        for group in self.optimizer.param_groups:
            group["lr"] = phase.rate(step_in_phase)
        self.optimizer.step()
        # Young averages forget faster, or the random start would weigh in for thousands of steps.
        decay = min(self.plan.ema, (1 + self.step) / (10 + self.step))
        with torch.no_grad():
            for mean, new in zip(self.average.parameters(), self.network.parameters(), strict=True):
                mean.lerp_(new, 1 - decay)
        return value

    def _loss(self, phase: Phase, low: Tensor, high: Tensor) -> Tensor:
        set_rounding(self.network, on=phase.quantize)
        found = self._forward(low)
        if self.whole is None:
            loss = enhancement_loss(found, high, phase.ssim_weight)
            return loss + self._distillation.loss(low, found, phase.distill) if phase.distill and self._distillation else loss
        with torch.no_grad():
            expected = self.whole.unclipped(low)
        return agreement_loss(found, expected)

    def _quantize(self, phase: Phase) -> None:
        """Begin the quantized phases, or go on: what was learned before is saved, and the network starts from it, on grids measured now.

        The file is whole before there is a checkpoint of these phases, so a resumed run finds it.
        """
        if not _has_grids(self.network):
            self._save()
            self.network.load_state_dict(self.average.state_dict())
            if self.int8_from:
                self.network.load_state_dict(self.int8_from)
                self.average.load_state_dict(self.network.state_dict())
            else:
                self._find_grids(phase)
            self.optimizer.state.clear()
        self.whole = copy.deepcopy(self.average)
        load_weights(self.whole, self.run / WEIGHTS)
        set_rounding(self.whole, on=False)

    def _find_grids(self, phase: Phase) -> None:
        with measuring(self.network), torch.no_grad():
            for low in self._first_pictures(phase):
                self.network.unclipped(low)
        self.average.load_state_dict(self.network.state_dict())

    def _first_pictures(self, phase: Phase) -> Iterator[Tensor]:
        """What the network will see from this step on, the same in all processes."""
        for step in range(self.step, self.step + min(_MEASURED, phase.steps)):
            low, _ = as_batch([self._sample(phase, step, index) for index in range(phase.batch)])
            yield self._to_device(low)

    def _to_device(self, frames: NDArray[np.uint8]) -> Tensor:
        return torch.from_numpy(frames).to(self.device).permute(0, 3, 1, 2).float().div_(255)

    def _take_stock(self, phase: Phase, step_in_phase: int, losses: Sequence[float]) -> None:
        set_rounding(self.average, on=phase.quantize)
        quality = evaluate(self.average, self.pictures.validation, self.document.size_multiple)
        figures = (self.step, phase.source, phase.rate(step_in_phase), sum(losses) / len(losses), quality.psnr, quality.ssim)
        self.rows.append(dict(zip(_COLUMNS, figures, strict=True)))
        _, png = cv2.imencode(".png", quality.sheet[..., ::-1])
        write_bytes(self.run / SHEET, png.tobytes())
        write_text(self.run / LOG, _as_csv(self.rows))
        if self.board:
            self.board.add(self.rows[-1], quality.sheet)
        about = {"plan": _as_json(self.plan), "log": self.rows, "environment": describe(), "processes": self.processes.count}
        save_checkpoint(self.run, self.step, self.network, self.average, self.optimizer, about)
        if step_in_phase + 1 == phase.steps:
            save_weights(
                self.run / f"weights-{phase.source}-{self.step:07d}.safetensors",
                self.average.state_dict() if phase.quantize else float_state(self.average),
            )

    def _progress(self, phase: Phase, loss: float) -> Progress:
        last = self.rows[-1] if self.rows else {}
        nan = float("nan")
        return Progress(self.step, self.plan.steps, phase.source, loss, last.get("validation_psnr_db", nan), last.get("validation_ssim", nan))


def _has_grids(network: nn.Module) -> bool:
    return all(rounding.grid for rounding in roundings(network))


def _groups(network: nn.Module, weight_decay: float) -> list[dict[str, Any]]:
    """The optimizer's parameter groups: scales are not drawn towards 1 by decay."""
    scales = [rounding.log_scale for rounding in roundings(network)]
    others = [parameter for parameter in network.parameters() if all(parameter is not scale for scale in scales)]
    return [{"params": others, "weight_decay": weight_decay}, {"params": scales, "weight_decay": 0.0}]


def _settled(teacher: Network, device: torch.device) -> Network:
    return teacher.eval().requires_grad_(requires_grad=False).to(device)


@contextlib.contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Dark pictures are full of denormals, which cost four times as much; whoever called gets them back."""
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(False)


def _as_json(plan: TrainingPlan) -> dict[str, Any]:
    """The plan as it reads after a trip through JSON, where tuples are lists."""
    decoded: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plan))
    return decoded


def _as_csv(rows: Sequence[dict[str, Any]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()
