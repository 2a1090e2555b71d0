"""What is said of a tensor."""

import pytest

from redmobile.core.tensor_spec import TensorSpec, guess_layout


@pytest.mark.parametrize(
    ("shape", "layout"),
    [
        ((1, 1088, 1920, 3), "NHWC"),
        ((1, 3, 1088, 1920), "NCHW"),
        ((1, 4, 4, 4), "NHWC"),
        ((1, 1, 64, 64), "NCHW"),
        ((1, 48, 272, 480), "?"),
        ((1, 10), "?"),
    ],
)
def test_the_small_channel_count_tells_the_layout(shape, layout):
    assert guess_layout(shape) == layout


def test_image_size_is_the_same_in_both_layouts():
    assert TensorSpec("x", (1, 8, 9, 3), "int8", "NHWC").image_size == (8, 9, 3)
    assert TensorSpec("x", (1, 3, 8, 9), "float32", "NCHW").image_size == (8, 9, 3)


def test_it_reads_well():
    assert str(TensorSpec("image", (1, 8, 9, 3), "int8", "NHWC")) == "image: 1×8×9×3 int8 NHWC"
    assert str(TensorSpec("y", (10,), "float32", "?")) == "y: 10 float32"
