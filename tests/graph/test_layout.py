"""Orders of axes, against numpy."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from redmobile.graph.layout import NHWC, after_reduction, after_transpose, moves_data, permutation, plain, stored

VALUE = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_permutation_leads_from_one_order_to_another(order):
    assert VALUE.transpose(order).shape == stored(VALUE.shape, order)
    np.testing.assert_array_equal(VALUE.transpose(order).transpose(permutation(order, NHWC)), VALUE.transpose(NHWC))


@pytest.mark.parametrize("perm", list(itertools.permutations(range(4))))
def test_transpose_only_renames_axes(perm):
    np.testing.assert_array_equal(VALUE.transpose(perm).transpose(after_transpose(NHWC, perm)), VALUE.transpose(NHWC))


@pytest.mark.parametrize("axes", [(1,), (2, 3), (0, 1, 2)])
def test_reduction_drops_axes(axes):
    in_memory = VALUE.transpose(NHWC).sum(tuple(NHWC.index(axis) for axis in axes))
    np.testing.assert_array_equal(VALUE.sum(axes).transpose(after_reduction(NHWC, axes)), in_memory)


def test_axes_of_size_one_move_for_free():
    assert not moves_data((1, 7, 1, 1), plain(4), NHWC)
    assert moves_data((1, 7, 2, 1), plain(4), NHWC)
