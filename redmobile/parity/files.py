"""Anybody's files side by side: two or more networks of any inputs and outputs, on the same frames, neighbour by neighbour."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Literal

import msgspec
from numpy.typing import NDArray

from redmobile.core.documents import Document
from redmobile.core.environment import describe
from redmobile.data.calibration import Range
from redmobile.data.frame_sources import Given, hash_frames, read_frames
from redmobile.errors import ParityError, UsageError
from redmobile.parity.arrangement import Match, arranged, match_specs
from redmobile.parity.chain import Stage, open_stage
from redmobile.parity.compare import Scores, Worst
from redmobile.parity.feed import feed_of, is_number, real_values, stated_range
from redmobile.parity.figures import Sums, worst_of
from redmobile.parity.layers import LayersOfPair
from redmobile.parity.layerwise import compare_layerwise
from redmobile.parity.overlap import refuse_calibration_frames
from redmobile.runtimes.base import Delegate, available_threads

Progress = Callable[[int, int], None]
"""(frames done, all) → None."""

Format = Literal["redmobile.parity_files/1"]
FORMAT: Format = "redmobile.parity_files/1"

_RGB = 3
_MATRIX_RANK = 2


class FileFacts(Document):
    """One file. name: what it is called here; inputs, outputs: their specs; runtime: engine and version."""

    name: str
    sha256: str
    runtime: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


class OutputPair(Document):
    """An output of two neighbours. figures: over all values of all frames; worst: figure → frame; names are those of parity.figures."""

    name: str
    found_name: str
    shape: tuple[int, ...]
    figures: dict[str, float]
    worst: dict[str, Worst]
    frames: tuple[Scores, ...]


class FilePair(Document):
    """Two neighbours, all their outputs."""

    expected: str
    found: str
    outputs: tuple[OutputPair, ...]


class FilesResult(Document):
    """The whole comparison. input_range: real values of pixels 0 and 255; least_sqnr_db: what every output had to reach, None: nothing.

    findings: what is wrong with shapes, dtypes or finiteness; where there is one, no number was computed. passed: no finding, and no
    output below least_sqnr_db.
    """

    format: Format
    environment: dict[str, Any]
    threads: int
    files: tuple[FileFacts, ...]
    frames: tuple[str, ...]
    input_range: tuple[float, float]
    least_sqnr_db: float | None
    findings: tuple[str, ...]
    pairs: tuple[FilePair, ...]
    layers: tuple[LayersOfPair, ...]
    remarks: tuple[str, ...]
    passed: bool

    def below(self) -> list[tuple[FilePair, OutputPair]]:
        """Outputs whose SQNR is less than was asked for."""
        least = self.least_sqnr_db
        if least is None:
            return []
        return [(pair, output) for pair in self.pairs for output in pair.outputs if not output.figures["sqnr"] >= least]


def check_files(
    files: Sequence[Path],
    frames: Path,
    *,
    samples: int | None = None,
    input_range: Range | None = None,
    least_sqnr_db: float | None = None,
    layers: bool = False,
    allow_calibration_frames: bool = False,
    threads: int | None = None,
    delegate: Delegate | None = None,
    on_progress: Progress | None = None,
) -> FilesResult:
    """Compare two or more .onnx and .tflite files, each with the one before it, on `frames`: pictures, a video, or an .npz.

    An .npz holds an array for each input of the first file, its first axis that of the frames. samples: how many frames are taken, evenly
    spread; None: all, 16 of a video. input_range: real values of pixels 0 and 255, by default what the files say, else 0 and 1.
    layers: look at the inner tensors too. delegate: what the last file is handed to. A finding raises nothing.
    Raises InputError, UsageError (fewer than two files; calibration frames; pictures for a network that takes none),
    UnsupportedModelError, DeviceError.
    """
    if len(files) < 2:  # noqa: PLR2004 - a pair
        raise UsageError("At least two files are needed to compare.")
    hashes = hash_frames(frames, samples)
    if not allow_calibration_frames:
        refuse_calibration_frames(files, hashes)
    delegates = [*(None for _ in files[1:]), delegate]
    stages = [open_stage(name, file, threads, delegate=each) for name, file, each in zip(_names(files), files, delegates, strict=True)]
    range_used = input_range or stated_range([stage.runtime for stage in stages]) or (0.0, 1.0)
    comparing = _Comparing(stages, range_used)
    findings = comparing.findings or comparing.run(read_frames(frames, samples), len(hashes), on_progress)
    layers_found: tuple[LayersOfPair, ...] = ()
    if layers and not findings:
        layers_found = compare_layerwise(stages, frames, range_used, samples=samples, threads=threads, on_progress=on_progress)
    result = FilesResult(
        format=FORMAT,
        environment=describe(),
        threads=threads or available_threads(),
        files=tuple(_facts(stage) for stage in stages),
        frames=tuple(hashes),
        input_range=range_used,
        least_sqnr_db=least_sqnr_db,
        findings=tuple(findings),
        pairs=() if findings else comparing.pairs(),
        layers=layers_found,
        remarks=tuple(comparing.remarks),
        passed=not findings,
    )
    return msgspec.structs.replace(result, passed=result.passed and not result.below())


def _names(files: Sequence[Path]) -> list[str]:
    """The files' names; with their folders where two have the same, numbered where these are the same too."""
    names = [file.name for file in files]
    longer = [f"{file.parent.name}/{file.name}" for file in files]
    if len(set(names)) < len(set(longer)):
        names = longer
    return [name if names.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(names)]


def _facts(stage: Stage) -> FileFacts:
    runtime = stage.runtime
    return FileFacts(
        name=stage.name,
        sha256=stage.sha256,
        runtime=runtime.name,
        inputs=tuple(map(str, runtime.inputs)),
        outputs=tuple(map(str, runtime.outputs)),
    )


class _Pair:
    """Two neighbours, and what was summed of each output."""

    def __init__(self, expected: Stage, found: Stage, value_range: Range) -> None:
        self.stages = expected, found
        self.matches, self.faults = match_specs(expected.runtime.outputs, found.runtime.outputs, moved=expected.is_onnx != found.is_onnx)
        self.remarks: list[str] = []
        self._sums = [_sums(match, value_range) for match in self.matches]
        self._scores: list[list[Scores]] = [[] for _ in self.matches]
        self._orders = [match.orders for match in self.matches]

    def add(self, name: str, expected: dict[str, NDArray[Any]], found: dict[str, NDArray[Any]]) -> None:
        """Compare the outputs, by name, for the frame called `name`."""
        for place, match in enumerate(self.matches):
            other = real_values(found[match.found.name], match.found)
            values, order = arranged(real_values(expected[match.expected.name], match.expected), self._orders[place], other)
            if len(self._orders[place]) > 1:  # the first frame decides
                self.remarks.append(f"'{match.found.name}' fits '{match.expected.name}' in several orders of axes; taken: {order}, the closest.")
                self._orders[place] = (order,)
            alone = self._sums[place].fresh()
            for sums in (self._sums[place], alone):
                sums.add(values, other)
            self._scores[place].append(Scores(image=name, values=alone.figures()))

    def result(self) -> FilePair:
        outputs = []
        for match, sums, scores in zip(self.matches, self._sums, self._scores, strict=True):
            worst = dict(worst_of(tuple(scores)))
            names = match.expected.name, match.found.name
            outputs.append(
                OutputPair(name=names[0], found_name=names[1], shape=match.found.shape, figures=sums.figures(), worst=worst, frames=tuple(scores))
            )
        return FilePair(expected=self.stages[0].name, found=self.stages[1].name, outputs=tuple(outputs))


def _sums(match: Match, value_range: Range) -> Sums:
    spec = match.found
    picture = spec.layout != "?" and spec.image_size[2] == _RGB
    whole = all(each.quantization is None and not each.dtype.startswith("float") for each in (match.expected, spec))
    logits = len(spec.shape) == _MATRIX_RANK and spec.shape[1] > 1 and not whole
    return Sums(value_range[1] - value_range[0] if picture else None, logits, whole)


class _Comparing:
    """All files on all frames."""

    def __init__(self, stages: Sequence[Stage], value_range: Range) -> None:
        self._stages = stages
        self._feed = feed_of(stages, value_range)
        self._pairs = [_Pair(one, other, value_range) for one, other in itertools.pairwise(stages)]
        self.findings = [f"{stages[place].name}: {fault}." for place, fault in self._feed.faults]
        self.findings += [f"{pair.stages[1].name}: outputs: {fault}." for pair in self._pairs for fault in pair.faults]
        self.findings += [f"{stage.name}: {spec} holds no numbers." for stage in stages for spec in stage.runtime.outputs if not is_number(spec)]

    @property
    def remarks(self) -> list[str]:
        return [remark for pair in self._pairs for remark in pair.remarks]

    def run(self, frames: Iterator[Given], count: int, on_progress: Progress | None) -> list[str]:
        """Compare all frames; what was found that is no number, after which the rest is not run."""
        for done, given in enumerate(frames, 1):
            try:
                self._add(given)
            except ParityError as error:
                return [f"{given.name}: {error}"]
            if on_progress:
                on_progress(done, count)
        return []

    def pairs(self) -> tuple[FilePair, ...]:
        return tuple(pair.result() for pair in self._pairs)

    def _add(self, given: Given) -> None:
        real = self._feed.real(given)
        outputs = []
        for place, stage in enumerate(self._stages):
            arrays = stage.runtime.run(*self._feed.arrays(place, real, given.name))
            outputs.append({spec.name: array for spec, array in zip(stage.runtime.outputs, arrays, strict=True)})
        for place, pair in enumerate(self._pairs):
            pair.add(given.name, outputs[place], outputs[place + 1])
