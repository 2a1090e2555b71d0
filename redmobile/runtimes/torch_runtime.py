"""PyTorch: runs a module that the caller has built (this room does not know the networks)."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.errors import MissingExtraError, UsageError
from redmobile.runtimes.base import RUNTIMES, available_threads, check_arrays

if TYPE_CHECKING:  # whoever looks up the runtimes need not have PyTorch
    from torch import nn


class TorchRuntime:
    """A module on the CPU, in eval mode. Implements runtimes.base.Runtime.

    spec: the module's one input; the outputs' specs are found by running it once on zeros. threads: None: as many as the process may use.
    Raises MissingExtraError.
    """

    def __init__(self, module: nn.Module, spec: TensorSpec, threads: int | None = None, metadata: Mapping[str, str] | None = None) -> None:
        try:
            import torch
        except ImportError as error:
            raise MissingExtraError("torch", "torch", "the runtime torch") from error
        self.name = f"torch {torch.__version__}"
        self.metadata: Mapping[str, str] = metadata or {}
        self.inputs: tuple[TensorSpec, ...] = (spec,)
        self._module = module.eval()
        self._threads = threads or available_threads()
        found = self._call(np.zeros(spec.shape, spec.dtype))
        names = ["output"] if len(found) == 1 else [f"output_{index}" for index in range(len(found))]
        self.outputs = tuple(
            TensorSpec(name, array.shape, array.dtype.name, guess_layout(array.shape)) for name, array in zip(names, found, strict=True)
        )

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """See runtimes.base.Runtime."""
        check_arrays(self.inputs, arrays)
        return self._call(*arrays)

    def _call(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        import torch

        before = torch.get_num_threads()
        torch.set_num_threads(self._threads)  # PyTorch has one number for the whole process: put back after use
        try:
            with torch.inference_mode():
                found = self._module(*(torch.from_numpy(np.ascontiguousarray(array)) for array in arrays))
        finally:
            torch.set_num_threads(before)
        outputs = (found,) if isinstance(found, torch.Tensor) else tuple(found)
        return tuple(output.numpy() for output in outputs)


def open_module(module: nn.Module, size: tuple[int, int], threads: int | None = None) -> TorchRuntime:
    """The runtime of an image network that takes (1, 3, height, width) float32 RGB in [0, 1]. size: (height, width)."""
    return TorchRuntime(module, TensorSpec("image", (1, 3, *size), "float32", "NCHW"), threads)


@RUNTIMES.register("torch")
def open_torch(path: Path, threads: int) -> NoReturn:  # noqa: ARG001 - the signature of every opener
    """Refuse: PyTorch runs a network of models/, not a file. Raises UsageError."""
    raise UsageError(f"{path}: the runtime torch runs a network by name or folder (models/…), not a file; use .onnx or .tflite with another runtime.")
