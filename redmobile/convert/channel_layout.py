"""Which channels of a tensor are which, when a picture goes in with other channels than the network was made for.

A layout lists the channels that a tensor has now: a number is the channel that it was in the network as it came, a tuple is alpha, of
the pixel at those places in the patches that were made of the picture. RGBA: (0, 1, 2, ()). Behind SpaceToDepth of block 2:
(0, 1, 2, (0,), 3, 4, 5, (1,), 6, …).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

ChannelLayout = tuple[int | tuple[int, ...], ...]


def in_patches(layout: ChannelLayout, channels: int, block: int) -> ChannelLayout:
    """The layout of patches, channels ordered (row, column, colour), of a picture of `layout`; channels: how many it had."""
    places = range(block * block)
    return tuple(place * channels + entry if isinstance(entry, int) else (place, *entry) for place in places for entry in layout)


def cut(layout: ChannelLayout, sizes: Sequence[int]) -> list[ChannelLayout] | None:
    """The layouts of consecutive pieces that had `sizes` channels; None if they are no longer consecutive. Alpha goes with the entry before it."""
    ends = np.cumsum(sizes)
    pieces: list[list[int | tuple[int, ...]]] = [[] for _ in sizes]
    current = 0
    for entry in layout:
        if isinstance(entry, int):
            place = int(np.searchsorted(ends, entry, side="right"))
            if place not in (current, current + 1):
                return None
            current = place
        pieces[current].append(entry - int(ends[current] - sizes[current]) if isinstance(entry, int) else entry)
    return [tuple(piece) for piece in pieces]


def join(layouts: Sequence[ChannelLayout], sizes: Sequence[int]) -> ChannelLayout:
    """The layout of pieces side by side that had `sizes` channels."""
    starts = np.cumsum([0, *sizes])
    return tuple(entry + int(start) if isinstance(entry, int) else entry for layout, start in zip(layouts, starts, strict=False) for entry in layout)


def plain(channels: int) -> ChannelLayout:
    """The layout in which all is as it was."""
    return tuple(range(channels))


def laid_out(values: NDArray[Any], layout: ChannelLayout, axis: int, alpha: float = 0.0) -> NDArray[Any]:
    """`values` with the channels of `layout` along `axis`; `alpha` where alpha stands."""
    index = [entry if isinstance(entry, int) else 0 for entry in layout]
    made = np.take(values, index, axis)
    along = [1] * made.ndim
    along[axis] = len(layout)
    is_alpha = np.array([not isinstance(entry, int) for entry in layout]).reshape(along)
    return np.asarray(np.where(is_alpha, np.asarray(alpha, made.dtype), made))


def sources(layout: ChannelLayout) -> NDArray[np.intp]:
    """For each channel the one that it was; the first where alpha stands."""
    return np.array([entry if isinstance(entry, int) else 0 for entry in layout], np.intp)
