"""Tiles cover everything, overlap enough, and their weights add up to one."""

import itertools

import numpy as np
import pytest

from redmobile.enhance.tiles import Tile, blend, margin, tile_starts


@pytest.mark.parametrize("tile", [4, 8, 64, 96, 1088])
@pytest.mark.parametrize("more", [0, 1, 7, 50, 500, 5000])
def test_cover_and_overlap(tile, more):
    starts = tile_starts(tile + more, tile)
    assert starts[0] == 0
    assert starts[-1] == more
    assert all(left + tile - right > 2 * margin(tile) for left, right in itertools.pairwise(starts))


def test_shorter_than_a_tile():
    assert tile_starts(5, 8) == [0]


@pytest.mark.parametrize("size", [(64, 96), (65, 97), (128, 100), (333, 444), (1000, 96)])
def test_equal_tiles_blend_to_themselves(size):
    tiles = [[Tile(top, left, 64, 96) for left in tile_starts(size[1], 96)] for top in tile_starts(size[0], 64)]
    whole = np.random.default_rng(0).integers(0, 256, (*size, 3), dtype=np.uint8)
    assert np.array_equal(blend(tiles, size, lambda tile: tile.cut(whole).astype(np.float32)), whole)


def test_one_tile_passes_smoothly_into_the_next():
    starts = tile_starts(160, 96)
    tiles = [[Tile(0, left, 64, 96) for left in starts]]
    values = dict(zip(starts, (50.0, 200.0), strict=True))
    row = blend(tiles, (64, 160), lambda tile: np.full((64, 96, 3), values[tile.left], np.float32))[0, :, 0].astype(int)
    assert (row[0], row[-1]) == (50, 200)
    assert np.diff(row).min() >= 0
    assert np.diff(row).max() <= 150 / 12 + 1
