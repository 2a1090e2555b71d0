"""The way of one frame: from its source through the network to a finished frame, as `redmobile enhance` goes it, in stages."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from redmobile.bench.open_loop import Stage
from redmobile.bench.video_source import Source
from redmobile.core.metrics import Frame
from redmobile.enhance.image_model import ImageModel
from redmobile.runtimes.base import Runtime


def stages_of(source: Source, runtime: Runtime) -> list[Stage]:
    """The stages of frames of `source` through `runtime`: getting the frame, 'pre' (mirror on, pack), 'infer', 'post' (unpack, cut).

    Frames that the network does not take whole are cut into tiles, whose runs and seams are one stage: 'tiles'.
    """
    model = ImageModel(runtime)
    first = Stage(source.stage, lambda number, _: source.frame(number))
    if not model.takes_whole(source.height, source.width):
        return [first, Stage("tiles", lambda _, frame: model.enhance(frame))]

    def pre(_: int, frame: Frame) -> NDArray[Any]:
        return model.prepare(frame)

    def infer(_: int, packed: NDArray[Any]) -> NDArray[Any]:
        return model.infer(packed)

    def post(_: int, output: NDArray[Any]) -> Frame:
        return model.finish(output, source.height, source.width)

    return [first, Stage("pre", pre), Stage("infer", infer), Stage("post", post)]
