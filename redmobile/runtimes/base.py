"""What every runtime offers."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from redmobile.core.tensor_spec import TensorSpec


class Runtime(Protocol):
    """One loaded network, ready to run. Not thread-safe: one runtime a thread."""

    name: str
    """The engine and its version, e.g. 'litert 2.3.0'."""

    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Outputs for one set of inputs, in the dtypes, shapes and layouts of the specs; the caller owns what comes back."""
        ...
