"""Outputs from elsewhere beside those of the same file here: equal to the bit, or where not, and by how much."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.bench.modelled import OutputDifference
from redmobile.core.tensor_spec import TensorSpec

Arrays = Sequence[NDArray[Any]]


def differences(frame: int, specs: Sequence[TensorSpec], expected: Arrays, found: Arrays) -> Iterator[OutputDifference]:
    """One for each output of a frame that is not equal bit for bit; outputs have the same shapes and dtypes."""
    for spec, here, there in zip(specs, expected, found, strict=True):
        unequal = _bits(here) != _bits(there)
        if not unequal.any():
            continue
        distance = np.abs(here.astype(np.float64) - there.astype(np.float64))
        distance[~np.isfinite(distance)] = np.inf  # a NaN or an infinity on one side
        distance[~unequal] = 0
        yield OutputDifference(
            frame=frame,
            output=spec.name,
            index=tuple(int(place) for place in np.unravel_index(int(unequal.argmax()), unequal.shape)),
            differing=int(np.count_nonzero(unequal)),
            values=int(unequal.size),
            largest=float(distance.max()),
            mean=float(distance.mean()),
        )


def _bits(values: NDArray[Any]) -> NDArray[Any]:
    """Integers with the same bits, so that a NaN is equal to itself and -0 is not equal to 0."""
    contiguous = np.ascontiguousarray(values)
    return contiguous.view(f"u{values.dtype.itemsize}") if values.dtype != np.bool_ else contiguous
