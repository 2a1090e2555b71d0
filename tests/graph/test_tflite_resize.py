"""The same network for pictures of another size, run by LiteRT."""

import cv2
import numpy as np
import pytest

from redmobile.errors import UnsupportedModelError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_resize import resize_pictures
from redmobile.graph.tflite_soundness import check_sound
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import open_runtime
from redmobile.shelf import find

FOLDER = find("models", "red_mobile")


def _resized(*sizes):
    model = read_tflite((FOLDER / "red_mobile_int8.tflite").read_bytes())
    for height, width in sizes:
        resize_pictures(model, height, width)
    check_sound(model, "resized")
    return write_tflite(model)


def _run(data, folder, codes):
    path = folder / "model.tflite"
    path.write_bytes(data)
    return open_runtime(path, "litert").run(codes)[0]


def _photograph(height, width):
    picture = cv2.imread(str(next((FOLDER / "demo").glob("cafe.jpg"))))[..., ::-1]
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA)[None]


def test_a_small_picture_comes_out_as_the_large_one_does_made_small(tmp_path):
    height, width = read_tflite(_resized()).inputs[0].shape[1:3]
    codes = [(_photograph(*size) ^ np.uint8(0x80)).view(np.int8) for size in ((height, width), (448, 768))]
    large, small = _run(_resized(), tmp_path, codes[0]), _run(_resized((448, 768)), tmp_path, codes[1])
    assert small.shape == codes[1].shape
    expected = cv2.resize(large[0].astype(np.float32), (768, 448), interpolation=cv2.INTER_AREA)
    assert np.abs(small[0] - expected).mean() < 0.5 * np.abs(codes[1][0] - expected).mean()  # the picture before is darker by far more


def test_by_way_of_another_size_it_is_the_same_network(tmp_path):
    codes = np.random.default_rng(3).integers(-128, 0, (1, 192, 256, 3), np.int8)
    assert np.array_equal(_run(_resized((384, 640), (192, 256)), tmp_path, codes), _run(_resized((192, 256)), tmp_path, codes))


def test_its_own_size_changes_no_shape():
    before = read_tflite(_resized())
    after = read_tflite(_resized(before.inputs[0].shape[1:3]))
    assert [tensor.shape for tensor in after.tensors()] == [tensor.shape for tensor in before.tensors()]


@pytest.mark.parametrize("size", [(450, 768), (448, 770), (96, 96)])
def test_a_size_that_the_halvings_do_not_divide_is_refused_in_one_line(size):
    with pytest.raises(UnsupportedModelError, match="that the network's halvings divide") as refused:
        _resized(size)
    assert "\n" not in str(refused.value)


def _chain(*steps):
    """A network of (kind, further inputs, options, shape of the output) on a picture of 8×12×4."""
    picture = Tensor("picture", (1, 8, 12, 4), "float32")
    operators, last = [], picture
    for kind, inputs, options, shape in steps:
        made = Tensor(f"{kind} {len(operators)}", shape, "float32")
        operators.append(Operator(kind, [last, *inputs], [made], dict(options)))
        last = made
    return TfliteModel(operators, [picture], [last])


def _ints(*values):
    return Tensor.constant("constant", np.array(values, np.int32))


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        (("RESHAPE", [_ints(1, 2, 4, 48)], {"new_shape": [1, 2, 4, 48]}, (1, 2, 4, 48)), (1, 4, 4, 72)),
        (("RESHAPE", [_ints(1, 8, 48)], {"new_shape": [1, 8, 48]}, (1, 8, 48)), (1, 16, 72)),
        (("MEAN", [_ints(1, 2)], {"keep_dims": False}, (1, 4)), (1, 4)),
        (("MEAN", [_ints(-1)], {"keep_dims": True}, (1, 8, 12, 1)), (1, 16, 18, 1)),
        (("RESIZE_BILINEAR", [_ints(16, 36)], {}, (1, 16, 36, 4)), (1, 32, 54, 4)),
        (
            ("AVERAGE_POOL_2D", [], {"padding": "VALID", "stride_h": 2, "stride_w": 3, "filter_height": 2, "filter_width": 4}, (1, 4, 3, 4)),
            (1, 8, 5, 4),
        ),
        (("MUL", [Tensor.constant("same", np.ones((1, 1, 12, 4), np.float32))], {}, (1, 8, 12, 4)), (1, 16, 18, 4)),
        (("RELU", [], {}, (1, 8, 12, 4)), (1, 16, 18, 4)),
    ],
    ids=lambda value: value[0] if isinstance(value, tuple) and isinstance(value[0], str) else "",
)
def test_shapes_follow_the_picture(step, expected):
    model = _chain(step)
    resize_pictures(model, 16, 18)
    assert model.outputs[0].shape == expected
    if step[0] in {"RESHAPE", "RESIZE_BILINEAR"}:
        sides = expected if step[0] == "RESHAPE" else expected[1:3]
        assert tuple(model.operators[0].inputs[1].data) == sides


@pytest.mark.parametrize(
    ("step", "says"),
    [
        (("CUSTOM", [], {}, (1, 8, 12, 4)), "the operator CUSTOM"),
        (("MUL", [Tensor.constant("ramp", np.arange(48, dtype=np.float32).reshape(1, 1, 12, 4))], {}, (1, 8, 12, 4)), "do not fit"),
        (("MEAN", [Tensor("axes", (2,), "int32")], {"keep_dims": True}, (1, 1, 1, 4)), "is computed"),
        (("MUL", [None], {}, (1, 8, 12, 4)), "input 1 is missing"),
    ],
)
def test_what_has_a_memory_of_its_size_is_refused(step, says):
    with pytest.raises(UnsupportedModelError, match=says):
        resize_pictures(_chain(step), 16, 18)


def test_only_pictures_have_a_size():
    vector = Tensor("vector", (1, 4), "float32")
    with pytest.raises(UnsupportedModelError, match="a picture"):
        resize_pictures(TfliteModel([], [vector], [vector]), 8, 8)
