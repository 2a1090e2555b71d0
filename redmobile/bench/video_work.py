"""The way of one frame: from its source through the network to a finished frame, as `redmobile enhance` goes it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from redmobile.bench.open_loop import Lap
from redmobile.bench.video_source import Source
from redmobile.core.tensor_spec import TensorSpec
from redmobile.enhance.image_model import ImageModel
from redmobile.runtimes.base import Runtime


class VideoWork:
    """The work of an open loop. stages: getting the frame, 'pre' (pad, pack), 'infer', 'post' (unpack, cut)."""

    def __init__(self, source: Source, runtime: Runtime) -> None:
        self.stages = (source.stage, "pre", "infer", "post")
        self._source = source
        self._runtime = _Timed(runtime)
        self._model = ImageModel(self._runtime)

    def __call__(self, number: int, lap: Lap) -> None:
        """See open_loop.Work. A frame that needs several runs (tiles) has what lies between them in 'pre'."""
        frame = self._source.frame(number)
        lap(self._source.stage)
        self._runtime.lap = lap
        self._model.enhance(frame)
        lap("post")


class _Timed:
    """A runtime that says when a run begins and ends. Implements runtimes.base.Runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self.name = runtime.name
        self.inputs: tuple[TensorSpec, ...] = runtime.inputs
        self.outputs: tuple[TensorSpec, ...] = runtime.outputs
        self.metadata: Mapping[str, str] = runtime.metadata
        self.lap: Lap = _ignore
        self._runtime = runtime

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        self.lap("pre")
        found = self._runtime.run(*arrays)
        self.lap("infer")
        return found


def _ignore(_: str) -> None:
    """No frame is on its way yet."""
