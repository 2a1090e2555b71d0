"""Which tensor of one file is which of another, and how their axes lie: names first, then places; channels first or last."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from redmobile.core.tensor_spec import TensorSpec
from redmobile.graph.layout import Order, plain, stored

_SPATIAL_RANK = 3
"""From this rank on a tensor has a batch, channels and at least one axis of space."""


@dataclasses.dataclass(frozen=True, eq=False)
class Match:
    """A tensor of one file and the same of another. orders: axes of the first that may give the second, the likeliest first."""

    expected: TensorSpec
    found: TensorSpec
    orders: tuple[Order, ...]


def orders_between(given: Sequence[int], wanted: Sequence[int], *, moved: bool) -> tuple[Order, ...]:
    """Axis orders that bring the shape `given` to `wanted`: as it is, channels last, channels first; empty if none does.

    moved: whether channels are likely to lie elsewhere (between an ONNX file and a TFLite file), which decides where several fit.
    """
    rank = len(given)
    orders = [plain(rank)]
    if rank >= _SPATIAL_RANK:
        turned = [(0, *range(2, rank), 1), (0, rank - 1, *range(1, rank - 1))]
        orders = [*turned, *orders] if moved else [*orders, *turned]
    return tuple(dict.fromkeys(order for order in orders if stored(given, order) == tuple(wanted)))


def match_specs(expected: Sequence[TensorSpec], found: Sequence[TensorSpec], *, moved: bool) -> tuple[list[Match], list[str]]:
    """Matches of all tensors in `expected` with those in `found`, and what does not fit, a clause each.

    By names where both sides have the same ones, else by place.
    """
    if len(expected) != len(found):
        return [], [f"{len(found)} ({_names(found)}), the file before has {len(expected)} ({_names(expected)})"]
    by_name = {spec.name: spec for spec in found}
    ordered = [by_name[spec.name] for spec in expected] if by_name.keys() == {spec.name for spec in expected} else list(found)
    matches, faults = [], []
    for one, other in zip(expected, ordered, strict=True):
        orders = orders_between(one.shape, other.shape, moved=moved)
        if one.layout != "?" and other.layout != "?":  # where an image's channels lie is known: no choice is left
            orders = tuple(order for order in orders if (order == plain(len(order))) == (one.layout == other.layout)) or orders
        if orders:
            matches.append(Match(one, other, orders))
        else:
            faults.append(f"{other} does not fit {one} of the file before, in whichever order its axes are taken")
    return matches, faults


def arranged(values: NDArray[Any], orders: Sequence[Order], beside: NDArray[Any]) -> tuple[NDArray[Any], Order]:
    """`values` with their axes in the one of `orders` that brings them closest to `beside`, and that order."""
    if len(orders) == 1:
        return values.transpose(orders[0]), orders[0]
    distances = [float(np.abs(values.transpose(order).astype(np.float64) - beside).sum()) for order in orders]
    best = orders[int(np.argmin(distances))]
    return values.transpose(best), best


def _names(specs: Sequence[TensorSpec]) -> str:
    return ", ".join(str(spec) for spec in specs) or "none"
