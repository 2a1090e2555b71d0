"""The rooms in order, one function a way: `convert` from an ONNX file to a .tflite, `build` all the way to figures and a picture."""

from __future__ import annotations

import collections
import dataclasses
import json
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypeVar

import msgspec
import numpy as np

from redmobile.bench.measured import LatencyResult
from redmobile.bench.memory import peak_bytes
from redmobile.bench.quick_latency import quick_latency_ms
from redmobile.bench.result import to_builtins as latency_to_builtins
from redmobile.bench.runner import bench
from redmobile.convert.metadata import attach, metadata_of
from redmobile.convert.metadata import describe as describe_file
from redmobile.convert.onnx_to_tflite import convert as lower_as
from redmobile.convert.onnx_to_tflite import finish
from redmobile.convert.outer_layout import keep_nchw
from redmobile.convert.pixels import Pixels
from redmobile.core.artifact import read_bytes, sha256_bytes, write_bytes, write_text
from redmobile.core.cache import cache_folder
from redmobile.core.converter import Converter, Quantize, load_converter
from redmobile.core.environment import describe
from redmobile.core.metrics import Frame
from redmobile.core.results import write_json
from redmobile.data.calibration import (
    CALIBRATION_ENTRY,
    DEFAULT_SAMPLES,
    LOCK_ENDING,
    CalibrationSet,
    Wanted,
    given_frames,
    load_samples,
    lock_text,
)
from redmobile.data.frames import Image, list_images, read_image, write_image
from redmobile.data.sheet import contact_sheet
from redmobile.enhance.image_model import ImageModel
from redmobile.errors import DocumentError, InputError, MissingExtraError, UsageError
from redmobile.graph.onnx_cut import Part
from redmobile.graph.onnx_graph import WHOLE, OnnxGraph, read_onnx
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.parity.check import check_parity
from redmobile.parity.result import ParityResult
from redmobile.parity.result import to_builtins as parity_to_builtins
from redmobile.quantize.coverage import Coverage
from redmobile.quantize.dynamic_range import quantize_weights_only
from redmobile.quantize.quantize import Quantized, Report, quantize
from redmobile.quantize.quantize_given import quantize_given
from redmobile.quantize.ranges import brings_scales
from redmobile.quantize.recover import Recovered, Rung, recover
from redmobile.quantize.same_scales import pin
from redmobile.runtimes.base import open_runtime
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime
from redmobile.shelf import find

T = TypeVar("T")

OnProgress = Callable[[str, int, int], None]
"""(stage, done, total)."""

RGBA = "rgba:"
"""What stands before the dtype of inputs and outputs that have alpha."""

_PACKAGE = Path(__file__).resolve().parent
_HELD_OUT_EVERY = 4

_DROPPED = (
    "The network is quantized (QuantizeLinear, DequantizeLinear); this recipe makes a float file: weights are what their codes stand for, "
    "activations are not rounded. A quantizing recipe keeps the network's scales."
)


@dataclasses.dataclass(frozen=True)
class Source:
    """An ONNX file, and the folder of calibration images that lies beside it on the models shelf, if there is one."""

    onnx: Path
    calibration: Path | None = None


@dataclasses.dataclass(frozen=True)
class Conversion:
    """What `convert` did, ready for people and for JSON. operators: kind → how many; calibration: name of a frame → sha256.

    explained: a line for every decision that the recipe's [lowering] had a say in. coverage: what the calibration frames cover; None where
    nothing was quantized. remarks: what a user may not expect, a sentence each. rungs: of the ladder, where
    one was climbed.
    """

    converter: str
    says: str
    onnx_sha256: str
    onnx_bytes: int
    tflite_sha256: str
    tflite_bytes: int
    operators: dict[str, int]
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    calibration: dict[str, str]
    quantization: Report | None
    explained: tuple[str, ...] = ()
    coverage: Coverage | None = None
    remarks: tuple[str, ...] = ()
    rungs: tuple[Rung, ...] = ()

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists."""
        return dataclasses.asdict(self)


@dataclasses.dataclass(frozen=True)
class Converted:
    """data: the file's bytes; model: the same as objects; report: how it came about."""

    data: bytes
    model: TfliteModel
    report: Conversion


def find_source(name: str) -> Source:
    """The ONNX file that `name` means: a path that ends with .onnx, or a model on the shelf.

    Raises InputError (no such file or model; a model that has not been exported yet).
    """
    if name.endswith(".onnx"):
        return Source(Path(name))
    folder = find("models", name)
    onnx, calibration = folder / f"{folder.name}.onnx", folder / "calibration"
    if not onnx.is_file():
        raise InputError(f"{onnx}: no such file. Write it with `redmobile export {name} --out {onnx}`, or give an .onnx file.")
    return Source(onnx, calibration if calibration.is_dir() else None)


@dataclasses.dataclass(frozen=True)
class ConversionOptions:
    """What can be asked of a conversion beside the recipe and the calibration frames.

    io: dtype of inputs and outputs instead of the recipe's; `rgba:int8` and `rgba:uint8`: with a fourth channel, unchanged from input to
    output. pixels: how else the file's pixels differ from the network's. samples: at most how many calibration frames are taken.
    part: what to take of the network, and at which sizes. keep_layout: images stay NCHW at the file's ends.
    recover_db: hold out every fourth frame, and climb from the plain recipe to 16 bits and float for single layers until the file is so
    close to float on those (redmobile.quantize.recover).
    """

    io: str | None = None
    pixels: Pixels = dataclasses.field(default_factory=Pixels)
    samples: int = DEFAULT_SAMPLES
    part: Part = WHOLE
    keep_layout: Literal["nchw"] | None = None
    recover_db: float | None = None

    @property
    def dtype(self) -> str | None:
        """Of inputs and outputs, without what is said of alpha; None: the recipe's."""
        return self.io.removeprefix(RGBA) if self.io else None

    @property
    def alpha(self) -> bool:
        """Whether the file's pixels have a fourth channel."""
        return self.io != self.dtype


AS_THE_RECIPE_SAYS = ConversionOptions()


def convert(
    source: Path,
    converter: Converter | str,
    calibrate: Path | Sequence[Frame] | None = None,
    options: ConversionOptions = AS_THE_RECIPE_SAYS,
    *,
    on_progress: OnProgress | None = None,
) -> Converted:
    """ONNX → .tflite: lower, store weights as float16 or int8, or quantize as `converter` (a recipe, or its name) says, add metadata.

    calibrate: frames for a quantizing recipe, unless the network brings its own scales: a folder, a video or an .npz, of which at most
    `options.samples` are taken, a lock file (see redmobile.data.calibration.load_samples), or frames of the input's size, (H, W, C) uint8.
    The same arguments give the same bytes.
    Raises InputError, UnsupportedModelError, UsageError (nothing to calibrate with; options that do not fit), DocumentError,
    ParityError (recover_db is beyond the ladder).
    """
    recipe, name = (load_converter(converter), Path(converter).stem) if isinstance(converter, str) else (converter, "custom")
    return _Work(source, recipe, name, options, on_progress).converted(calibrate)


class _Work:
    """One conversion being carried out."""

    def __init__(self, source: Path, recipe: Converter, name: str, options: ConversionOptions, on_progress: OnProgress | None) -> None:
        self._source, self._recipe, self._name, self._options, self._on_progress = source, recipe, name, options, on_progress
        self._content = read_bytes(source)
        self._plan = _quantization(recipe, options.dtype)
        if self._plan is None and options.recover_db is not None:
            raise UsageError("This recipe does not quantize, so there is nothing to recover. Choose a quantizing recipe, e.g. litert_int8.")
        self._explained, self._remarks = list[str](), list[str]()
        self._rungs: tuple[Rung, ...] = ()

    def converted(self, calibrate: Path | Sequence[Frame] | None) -> Converted:
        """See `convert`."""
        plan, options = self._plan, self._options
        graph = self._graph(for_int8=plan is not None and plan.activations.bits == 8)  # noqa: PLR2004 - as in INT8
        model = lower_as(graph, self._name, self._recipe, self._explained, pixels=options.pixels, remarks=self._remarks)
        if self._recipe.quantize is None and self._recipe.weights == "int8":
            model = quantize_weights_only(model)
        report, coverage, lock = None, None, dict[str, str]()
        if plan is None:
            self._remarks += [_DROPPED] if brings_scales(model) else []
        else:
            images, quantized = self._quantized(model, plan, calibrate)
            model, report, coverage = quantized.model, quantized.report, quantized.coverage
            lock = images.lock if coverage else {}  # pictures that only judged are not in the file
            if options.alpha:
                model = self._with_alpha(graph, plan, images, report)
            if lock:
                model.metadata[CALIBRATION_ENTRY] = json.dumps(lock).encode()
        finish(model, self._recipe.lowering, self._explained)
        if options.keep_layout == "nchw":
            keep_nchw(model, graph)
            attach(model, describe_file(graph, self._name, model, options.pixels.order, options.pixels.adapted))
        data = write_tflite(model)
        made = _conversion(self._recipe, self._name, self._content, data, model, lock, report)
        made = dataclasses.replace(made, explained=tuple(self._explained), remarks=tuple(self._remarks), coverage=coverage, rungs=self._rungs)
        return Converted(data, model, made)

    def _graph(self, *, for_int8: bool) -> OnnxGraph:
        return read_onnx(self._content, str(self._source), self._source.parent, self._options.part, for_int8=for_int8)

    def _quantized(self, model: TfliteModel, plan: Quantize, calibrate: Path | Sequence[Frame] | None) -> tuple[CalibrationSet, Quantized]:
        """(the frames that calibrated, the quantized model), the ladder climbed where that is asked for."""
        given, options = brings_scales(model), self._options
        images = _images(model, calibrate, options.samples, needed=not given)
        if options.recover_db is not None:
            _check_recoverable(given=given, alpha=options.alpha)
            images, climbed = _climb(model, plan, images, options.recover_db, self._on_progress)
            self._rungs = climbed.rungs
            return images, climbed.quantized
        if not given:
            return images, quantize(model, plan, images.frames, input_range=_input_range(model), on_progress=self._on_progress)
        reference = lower_as(self._graph(for_int8=False), self._name, self._recipe, pixels=options.pixels) if images.frames else None
        return images, quantize_given(model, plan, images.frames, input_range=_input_range(model), reference=reference, on_progress=self._on_progress)

    def _with_alpha(self, graph: OnnxGraph, plan: Quantize, images: CalibrationSet, report: Report) -> TfliteModel:
        """The network with a fourth channel, at the scales that were found without."""
        pixels = dataclasses.replace(self._options.pixels, alpha=True)
        model = lower_as(graph, self._name, self._recipe, pixels=pixels, remarks=self._remarks)
        given = brings_scales(model)
        pin(model, report)
        work = quantize_given if given else quantize
        return work(model, plan, [_opaque(frame) for frame in images.pictures], input_range=_input_range(model)).model


def bitmap_model(name: str, on_progress: OnProgress | None = None) -> Path:
    """`convert NAME --with litert_int8 --io rgba:int8` of a model on the shelf, calibrated with its own pictures: what Android's bitmaps fit.

    Kept in the cache folder until the model, the recipe, the pictures or this program change. Raises what `convert` raises, OutputError.
    """
    source = find_source(name)
    if source.calibration is None:
        raise InputError(f"{source.onnx.parent}: holds no folder `calibration`, whose pictures would set the ranges.")
    rooms = [folder for room in ("core", "graph", "convert", "quantize", "data") for folder in sorted((_PACKAGE / room).rglob("*.py"))]
    files = [source.onnx, find("converters", "litert_int8"), *list_images(source.calibration), *rooms, _PACKAGE / "pipeline.py"]
    key = sha256_bytes(b"".join(sha256_bytes(read_bytes(file)).encode() for file in files))
    kept = cache_folder() / "models" / f"{name}_rgba_int8-{key[:12]}.tflite"
    if not kept.is_file():
        made = convert(source.onnx, "litert_int8", source.calibration, ConversionOptions(io=f"{RGBA}int8"), on_progress=on_progress)
        write_bytes(kept, made.data)
    return kept


def write_lock(final: Path, calibrate: Path, conversion: Conversion, samples: int = DEFAULT_SAMPLES) -> None:
    """Write a lock of the frames that `conversion` was calibrated with, taken of `calibrate`; `convert` takes it as calibrate.

    Raises UsageError (another ending than .lock; nothing was calibrated), OutputError.
    """
    if final.suffix.lower() != LOCK_ENDING:
        raise UsageError(f"{final}: the name of a lock must end with {LOCK_ENDING}: that is how --calibrate knows it.")
    if not conversion.calibration:
        raise UsageError(f"{final}: there is nothing to lock; this recipe does not quantize, so nothing was calibrated.")
    write_text(final, lock_text(final, calibrate, conversion.calibration, samples))


def _quantization(recipe: Converter, io: str | None) -> Quantize | None:
    """The recipe's [quantize] with the asked-for dtype; None for a float recipe. Refuses what does not go together."""
    if recipe.quantize is None:
        if io not in (None, "float32"):
            raise UsageError(
                f"This recipe does not quantize: inputs and outputs are float32, not {io}. Choose a quantizing recipe, e.g. litert_int8."
            )
        return None
    return recipe.quantize if io is None else msgspec.structs.replace(recipe.quantize, io=io)


def _check_recoverable(*, given: bool, alpha: bool) -> None:
    if given:
        raise UsageError("The network brings its own scales, so there is no ladder to climb; convert it without recovering.")
    if alpha:
        raise UsageError(f"Recovering does not go with {RGBA}…; recover first, and put the layers found into a recipe ([quantize] wide, keep_float).")


def _climb(
    model: TfliteModel, plan: Quantize, images: CalibrationSet, target_db: float, on_progress: OnProgress | None
) -> tuple[CalibrationSet, Recovered]:
    """(the frames that calibrate, what was found); every fourth frame is held out and judges."""
    if len(images.frames) < _HELD_OUT_EVERY:
        raise UsageError(f"Recovering holds out every fourth frame to judge by, so it needs at least 4; found {len(images.frames)}.")
    held = images.frames[_HELD_OUT_EVERY - 1 :: _HELD_OUT_EVERY]
    names = [name for place, name in enumerate(images.lock) if (place + 1) % _HELD_OUT_EVERY]
    frames = tuple(frame for place, frame in enumerate(images.frames) if (place + 1) % _HELD_OUT_EVERY)
    found = recover(model, plan, frames, held, target_db, input_range=_input_range(model), measure=quick_latency_ms, on_progress=on_progress)
    return CalibrationSet(frames, {name: images.lock[name] for name in names}), found


def _images(model: TfliteModel, calibrate: Path | Sequence[Frame] | None, samples: int, *, needed: bool) -> CalibrationSet:
    if calibrate is None:
        if needed:
            raise UsageError("A quantizing recipe needs images to measure ranges with: give --calibrate DIR, a folder of typical pictures (4 to 32).")
        return CalibrationSet((), {})
    if not isinstance(calibrate, Path):
        return given_frames(calibrate)
    return load_samples(calibrate, Wanted({tensor.name: tensor.shape for tensor in model.inputs}, _input_range(model)), samples)


def _opaque(frame: Frame) -> Frame:
    """(H, W, 3) → (H, W, 4), alpha 255."""
    return np.dstack([frame, np.full(frame.shape[:2], 255, np.uint8)])


def _input_range(model: TfliteModel) -> tuple[float, float]:
    metadata = metadata_of(model)
    return metadata.inputs[0].range if metadata else (0.0, 1.0)


def _conversion(
    recipe: Converter, name: str, content: bytes, data: bytes, model: TfliteModel, lock: dict[str, str], report: Report | None
) -> Conversion:
    kinds = collections.Counter(operator.kind for operator in model.operators)
    return Conversion(
        converter=name,
        says=recipe.says,
        onnx_sha256=sha256_bytes(content),
        onnx_bytes=len(content),
        tflite_sha256=sha256_bytes(data),
        tflite_bytes=len(data),
        operators=dict(kinds.most_common()),
        inputs=tuple(_port(tensor) for tensor in model.inputs),
        outputs=tuple(_port(tensor) for tensor in model.outputs),
        calibration=lock,
        quantization=report,
    )


def _port(tensor: Any) -> str:
    text = f"{tensor.name}: {'×'.join(map(str, tensor.shape))} {tensor.dtype}"
    if tensor.quantization is None:
        return text
    return f"{text}, scale {tensor.quantization.scale[0]:.9g}, zero point {tensor.quantization.zero_point[0]}"


BUILD_SAMPLES = 12
"""Calibration images that `build` takes."""

_BENCH_PLAN = "model_latency"
_BENCH_RUNS = 60
_BENCH_SECONDS = 8.0
_SHEET_HEIGHT = 720
_ROW_HEIGHT = 400
_SHOWN = 4
UNWANTED = ("TRANSPOSE", "QUANTIZE", "DEQUANTIZE", "RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1", "MINIMUM", "MAXIMUM")
"""Operators that cost a pass over memory each and that a well formed network does not need; QUANTIZE also leaves XNNPACK."""


@dataclasses.dataclass(frozen=True)
class GraphCheck:
    """How the file will run. partitions: pieces of XNNPACK; outside: operators that it leaves, by kind; unwanted: kinds of UNWANTED."""

    partitions: int
    outside: dict[str, int]
    unwanted: dict[str, int]


@dataclasses.dataclass(frozen=True)
class Built:
    """What `build` left in `folder`. photos: those shown before and after; seconds: stage → how long it took; peak_bytes: of this process."""

    folder: Path
    tflite: Path
    before_after: Path
    photos: tuple[Path, ...]
    conversion: Conversion
    graph: GraphCheck
    parity: ParityResult
    latency: LatencyResult
    seconds: dict[str, float]
    peak_bytes: int

    def as_json(self) -> dict[str, Any]:
        """The document `report.json`: everything but the single figures, which stand in parity.json and latency.json."""
        return {
            "file": self.tflite.name,
            "environment": describe(),
            "conversion": self.conversion.as_json(),
            "graph": dataclasses.asdict(self.graph),
            "parity_passed": self.parity.passed,
            "latency_p50_ms": self.latency.measured.latency.p50_ms,
            "latency_trusted": self.latency.measured.stability.trusted,
            "photos": [photo.name for photo in self.photos],
            "seconds": self.seconds,
            "peak_bytes": self.peak_bytes,
        }


def build(
    model: str = "red_mobile",
    converter: str = "litert_int8",
    *,
    out: Path,
    calibrate: Path | None = None,
    images: Path | None = None,
    photo: Path | None = None,
    samples: int = BUILD_SAMPLES,
    allow_calibration_frames: bool = False,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> Built:
    """The whole way: export where there is no ONNX yet, convert, quantize, check the graph, compare, measure, show.

    model: on the shelf, or an .onnx file. calibrate, images: folders of pictures that set ranges, and of others to compare with; by default
    `calibration` and `demo` beside model.toml. photo: what is shown before and after, by default the darkest four of `images`.
    Leaves in `out`: the .tflite, report.json, parity.json, latency.json, before_after.png. A failed gate raises nothing: see Built.parity.
    Raises InputError, DocumentError, UsageError (also for `images` that calibrated, unless allow_calibration_frames), UnsupportedModelError,
    MissingExtraError (export without torch), DeviceError, OutputError.
    """
    stages = _Stages(on_progress)
    given = stages.run("export", lambda: _given(model, out, calibrate, images, photo))
    converted = stages.run(
        "convert", lambda: convert(given.onnx, converter, given.calibrate, ConversionOptions(samples=samples), on_progress=on_progress)
    )
    tflite = out / f"{given.onnx.stem}_{Path(converter).stem.removeprefix('litert_')}.tflite"
    write_bytes(tflite, converted.data)
    graph = stages.run("check", lambda: check_graph(tflite, converted.report.operators))
    parity = stages.run(
        "parity",
        lambda: (
            check_parity(
                str(tflite),
                given.images,
                onnx=given.onnx,
                converter=converter,
                allow_calibration_frames=allow_calibration_frames,
                threads=threads,
                on_progress=stages.within("parity"),
            ).result
        ),
    )
    latency = stages.run("bench", lambda: _latency(tflite, threads, on_progress))
    sheet = out / "before_after.png"
    stages.run("show", lambda: show_before_after(tflite, given.photos, sheet, threads))
    built = Built(out, tflite, sheet, given.photos, converted.report, graph, parity, latency, stages.seconds, peak_bytes())
    write_json(out / "parity.json", parity_to_builtins(parity))
    write_json(out / "latency.json", latency_to_builtins(latency))
    write_json(out / "report.json", built.as_json())
    return built


def check_graph(tflite: Path, operators: Mapping[str, int]) -> GraphCheck:
    """How XNNPACK takes the file, and which of its `operators` (kind → how many) cost a pass over memory for nothing.

    Raises InputError, UnsupportedModelError, DeviceError.
    """
    runtime = open_runtime(tflite, "litert")
    coverage = runtime.delegate_coverage() if isinstance(runtime, InterpreterRuntime) else None
    unwanted = {kind: operators[kind] for kind in UNWANTED if kind in operators}
    return GraphCheck(coverage.partitions if coverage else 0, dict(coverage.left) if coverage else {}, unwanted)


def show_before_after(tflite: Path, photos: Sequence[Path], sheet: Path, threads: int | None = None) -> None:
    """Enhance `photos` with the network in `tflite`; write each before and after, side by side, to `sheet` (.png or .jpg).

    Raises InputError, UnsupportedModelError, DeviceError, OutputError.
    """
    model = ImageModel(open_runtime(tflite, threads=threads))
    frames = [read_image(photo).frame for photo in photos]
    rows = [[frame, model.enhance(frame)] for frame in frames]
    made = contact_sheet(rows, ("before", f"after: {tflite.name}"), _SHEET_HEIGHT if len(rows) == 1 else _ROW_HEIGHT)
    write_image(sheet, Image(made))


class _Stages:
    """Runs one stage after the other, announces each, and keeps how long it took."""

    def __init__(self, on_progress: OnProgress | None) -> None:
        self.seconds: dict[str, float] = {}
        self._on_progress = on_progress

    def run(self, name: str, work: Callable[[], T]) -> T:
        """The result of `work`."""
        self.within(name)(0, 1)
        began = time.perf_counter()
        result = work()
        self.seconds[name] = round(time.perf_counter() - began, 3)
        return result

    def within(self, name: str) -> Callable[[int, int], None]:
        """A callback (done, total) for the progress of the stage `name`."""
        return lambda done, total: self._on_progress(name, done, total) if self._on_progress else None


@dataclasses.dataclass(frozen=True)
class _Given:
    """What `build` works with, after the defaults."""

    onnx: Path
    calibrate: Path | None
    images: Path
    photos: tuple[Path, ...]


def _given(model: str, out: Path, calibrate: Path | None, images: Path | None, photo: Path | None) -> _Given:
    if model.endswith(".onnx"):
        onnx, beside = Path(model), None
    else:
        beside = find("models", model)
        onnx = beside / f"{beside.name}.onnx"
        if not onnx.is_file():
            onnx = _export(model, out / onnx.name)
    images = images or _folder(beside, "demo")
    if images is None:
        raise UsageError(f"{model}: no pictures lie beside it to compare with; give a folder of them with --images DIR.")
    return _Given(onnx, calibrate or _folder(beside, "calibration"), images, (photo,) if photo else _darkest(images))


def _export(model: str, onnx: Path) -> Path:
    try:
        from redmobile.export.torch_to_onnx import export_onnx  # only here is PyTorch needed
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", f"{model} has no ONNX file yet, and exporting it") from error
    return export_onnx(model, onnx)


def _folder(beside: Path | None, name: str) -> Path | None:
    return beside / name if beside and (beside / name).is_dir() else None


def _darkest(images: Path) -> tuple[Path, ...]:
    """The pictures with the lowest mean, the darkest first: they show best what the network does."""
    means = {path: float(read_image(path).frame.mean()) for path in list_images(images)}
    return tuple(sorted(means, key=means.__getitem__)[:_SHOWN])


def _latency(tflite: Path, threads: int | None, on_progress: OnProgress | None) -> LatencyResult:
    result = bench(_BENCH_PLAN, str(tflite), threads=threads, runs=_BENCH_RUNS, seconds=_BENCH_SECONDS, on_progress=on_progress)
    if not isinstance(result, LatencyResult):
        raise DocumentError(f"{_BENCH_PLAN}: a plan with [closed_loop] was expected.")
    return result
