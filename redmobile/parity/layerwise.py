"""Which files of a comparison are looked at layer by layer, and on which frames."""

from __future__ import annotations

import itertools
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from redmobile.convert.metadata import read_metadata
from redmobile.core.artifact import read_bytes
from redmobile.core.converter import LoweringChoices, load_converter
from redmobile.data.calibration import Range
from redmobile.data.frame_sources import read_frames
from redmobile.graph.tflite_read import read_tflite
from redmobile.parity.chain import Stage, open_lowered
from redmobile.parity.feed import feed_of
from redmobile.parity.layers import LayerFrame, LayersOfPair, compare_layers
from redmobile.shelf import names

LAYER_FRAMES = 4
"""Frames that layers are compared on, at most, evenly spread: every tensor of each is looked at in full."""

OnProgress = Callable[[int, int], None]
"""(steps done, all of this pair) → None."""


def compare_layerwise(
    stages: Sequence[Stage],
    frames: Path,
    value_range: Range,
    *,
    samples: int | None = None,
    threads: int | None = None,
    on_progress: OnProgress | None = None,
) -> tuple[LayersOfPair, ...]:
    """Each of `stages` that is a file against the file before it.

    Our quantizer starts from the lowered graph, so between an ONNX file and a quantized file of ours that graph is put in: what lowering
    did and what quantization did are told apart. Raises InputError, UsageError, UnsupportedModelError, DeviceError.
    """
    files = [stage for stage in stages if stage.path is not None]
    given = list(read_frames(frames, min(samples or LAYER_FRAMES, LAYER_FRAMES)))
    found = []
    with tempfile.TemporaryDirectory(prefix="redmobile-layers-") as folder:
        for one, other in [pair for pair in itertools.pairwise(files) for pair in _through_float(*pair, Path(folder), threads)]:
            feed = feed_of([one, other], value_range)
            fed = [LayerFrame(each.name, *(feed.arrays(place, feed.real(each), each.name) for place in (0, 1))) for each in given]
            found.append(compare_layers((one.name, other.name), (_path(one), _path(other)), fed, threads, on_progress))
    return tuple(found)


def _through_float(one: Stage, other: Stage, folder: Path, threads: int | None) -> list[tuple[Stage, Stage]]:
    if not one.is_onnx or other.is_onnx:
        return [(one, other)]
    model = read_tflite(read_bytes(_path(other)), str(other.path))
    metadata = read_metadata(read_bytes(_path(other)), str(other.path))
    if metadata is None or all(tensor.quantization is None for operator in model.operators for tensor in operator.outputs):
        return [(one, other)]
    choices = load_converter(metadata.converter).lowering if metadata.converter in names("converters") else LoweringChoices()
    lowered = open_lowered("float", _path(one), choices, folder, threads)
    return [(one, lowered), (lowered, other)]


def _path(stage: Stage) -> Path:
    assert stage.path is not None  # noqa: S101 - stages without a file were left out
    return stage.path
