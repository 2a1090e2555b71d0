"""Where targets disagree: every way of LoweringChoices is the same function, and says what it did."""

import numpy as np
import pytest
from onnx_cases import convert_and_compare, kinds, node, onnx_graph, onnx_model, random, run_tflite

from redmobile.convert.onnx_to_tflite import finish, lower
from redmobile.core.converter import ActivationQuantization, LoweringChoices, Quantize, load_converter
from redmobile.graph.onnx_graph import read_onnx
from redmobile.quantize.quantize import quantize
from redmobile.shelf import names

INT64 = np.int64


def explained(model_arguments, **choices):
    lines = []
    lower(onnx_graph(*model_arguments), LoweringChoices(**choices), lines)
    return lines


@pytest.mark.parametrize("block", [2, 3, 4])
@pytest.mark.parametrize("mode", ["DCR", "CRD"])
@pytest.mark.parametrize("choice", ["row_planes", "depth_to_space", "transpose", "transposed_conv"])
def test_pixel_shuffle(choice, mode, block):
    model = onnx_model([node("DepthToSpace", "x", "y", blocksize=block, mode=mode)], {"x": [1, 5 * block * block, 5, 6]})
    made = kinds(convert_and_compare(model, LoweringChoices(pixel_shuffle=choice)))
    expected = {"row_planes": "CONCATENATION", "depth_to_space": "DEPTH_TO_SPACE", "transpose": "TRANSPOSE", "transposed_conv": "TRANSPOSE_CONV"}
    steps = {2: 1, 4: 2}.get(block)
    if choice == "transposed_conv" and steps is None:
        assert "TRANSPOSE_CONV" not in made
    else:
        assert made[expected[choice]] == (steps if choice == "transposed_conv" else 1)


@pytest.mark.parametrize("block", [2, 3, 4])
@pytest.mark.parametrize("choice", ["row_planes", "space_to_depth", "transpose", "strided_conv"])
def test_space_to_depth(choice, block):
    model = onnx_model([node("SpaceToDepth", "x", "y", blocksize=block)], {"x": [1, 5, 4 * block, 5 * block]})
    made = kinds(convert_and_compare(model, LoweringChoices(space_to_depth=choice)))
    expected = {"row_planes": "CONCATENATION", "space_to_depth": "SPACE_TO_DEPTH", "transpose": "TRANSPOSE", "strided_conv": "CONV_2D"}
    steps = {2: 1, 4: 2}.get(block)
    if choice == "strided_conv" and steps is None:
        assert "CONV_2D" not in made
    else:
        assert made[expected[choice]] == (steps if choice == "strided_conv" else 1)


def test_several_images_at_once_are_shuffled_too():
    for choice in ("transpose", "transposed_conv"):
        model = onnx_model([node("DepthToSpace", "x", "y", blocksize=2)], {"x": [3, 20, 5, 6]})
        convert_and_compare(model, LoweringChoices(pixel_shuffle=choice))
    for choice in ("transpose", "strided_conv"):
        model = onnx_model([node("SpaceToDepth", "x", "y", blocksize=2)], {"x": [3, 5, 8, 6]})
        convert_and_compare(model, LoweringChoices(space_to_depth=choice))


def test_a_shuffle_that_needs_a_power_of_two_falls_back_and_says_so():
    case = [node("DepthToSpace", "x", "y", blocksize=3)], {"x": [1, 45, 5, 6]}
    assert explained(case, pixel_shuffle="transposed_conv") == ["y: pixel shuffle by 3 as row planes; transposed convolutions need a power of two"]
    assert explained(case, pixel_shuffle="transpose") == ["y: pixel shuffle by 3 as transpose"]
    case = [node("SpaceToDepth", "x", "y", blocksize=3)], {"x": [1, 5, 12, 15]}
    assert explained(case, space_to_depth="strided_conv") == ["y: space-to-depth by 3 as row planes; strided convolutions need a power of two"]


def resize_case(mode, factor, height=5, width=6):
    less = 1 if mode == "align_corners" else 0
    sizes = [(size - less) * factor + less for size in (height, width)]
    nodes = [node("Resize", ["x", "", "", "sizes"], "y", mode="linear", coordinate_transformation_mode=mode)]
    return nodes, {"x": [1, 7, height, width]}, {"sizes": np.array([1, 7, *sizes], INT64)}


@pytest.mark.parametrize("factor", [2, 4, 8, 16])
@pytest.mark.parametrize("mode", ["half_pixel", "align_corners", "asymmetric"])
def test_a_chain_of_resizes_is_the_same_function(mode, factor):
    made = convert_and_compare(onnx_model(*resize_case(mode, factor)), LoweringChoices(resize="chain"))
    assert kinds(made)["RESIZE_BILINEAR"] == (2 if factor == 16 else 1)
    assert kinds(made).get("AVERAGE_POOL_2D", 0) == (mode == "half_pixel")
    assert not any(operator.options.get("half_pixel_centers") for operator in made.operators)


@pytest.mark.parametrize("shape", [(1, 6), (5, 1), (1, 1)])
def test_a_chain_for_a_single_row_or_column(shape):
    convert_and_compare(onnx_model(*resize_case("half_pixel", 4, *shape)), LoweringChoices(resize="chain"))


def test_a_resize_that_is_no_power_of_two_is_kept_and_said():
    case = resize_case("half_pixel", 3)
    assert explained(case, resize="chain") == ["y: kept as it is; it does not grow by one power of two"]
    assert kinds(convert_and_compare(onnx_model(*case), LoweringChoices(resize="chain"))) == {"RESIZE_BILINEAR": 1}


@pytest.mark.parametrize("choice", ["mean", "average_pool", "depthwise"])
@pytest.mark.parametrize(("height", "width"), [(6, 10), (1, 9), (300, 5), (514, 2), (130, 66)])
def test_the_mean_of_the_whole_image(choice, height, width):
    model = onnx_model([node("GlobalAveragePool", "x", "y")], {"x": [2, 5, height, width]})
    made = convert_and_compare(model, LoweringChoices(global_pool=choice))
    expected = {"mean": "MEAN", "average_pool": "AVERAGE_POOL_2D", "depthwise": "DEPTHWISE_CONV_2D"}[choice]
    limit = {"mean": 10**6, "average_pool": 256, "depthwise": 64}[choice]
    stays = choice == "depthwise" and height == 514  # 514 = 2 · 257
    stays = stays or (choice == "average_pool" and height == 514)
    assert set(kinds(made)) == {"MEAN" if stays else expected}
    for operator in made.operators:
        if operator.kind == "AVERAGE_POOL_2D":
            assert operator.options["filter_height"] <= limit
            assert operator.options["filter_height"] * operator.options["filter_width"] <= 65536
        if operator.kind == "DEPTHWISE_CONV_2D":
            assert max(operator.inputs[1].shape[1:3]) <= limit


def test_a_mean_without_kept_axes_is_viewed_flat():
    model = onnx_model([node("ReduceMean", "x axes", "y", keepdims=0)], {"x": [2, 5, 6, 10]}, {"axes": np.array([2, 3], INT64)})
    assert set(kinds(convert_and_compare(model, LoweringChoices(global_pool="average_pool")))) == {"AVERAGE_POOL_2D", "RESHAPE"}


def test_a_mean_over_something_else_is_left_alone():
    model = onnx_model([node("ReduceMean", "x axes", "y")], {"x": [2, 5, 6, 10]}, {"axes": np.array([3], INT64)})
    assert set(kinds(convert_and_compare(model, LoweringChoices(global_pool="average_pool")))) == {"MEAN"}


def test_what_a_pool_cannot_cover_is_said():
    case = [node("GlobalAveragePool", "x", "y")], {"x": [1, 5, 257, 6]}
    assert explained(case, global_pool="average_pool") == ["y: MEAN kept; 257×6 cannot be cut into equal windows for average_pool"]
    case = [node("GlobalAveragePool", "x", "y")], {"x": [1, 5, 300, 6]}
    assert explained(case, global_pool="average_pool") == ["y: the mean of the whole image as average_pool of 150×6, then 2×1"]


def gain_and_residual(block=2):
    """X · gain + residual, in blocks of pixels: what an image network ends with."""
    rng = np.random.default_rng(0)
    weights = {name: rng.normal(0, 0.3, (12, 12, 1, 1)).astype(np.float32) for name in ("wg", "wr")}
    nodes = [
        node("SpaceToDepth", "x", "deep", blocksize=block),
        node("Conv", "deep wg", "gain"),
        node("Conv", "deep wr", "residual"),
        node("Mul", "deep gain", "lifted"),
        node("Add", "lifted residual", "sum"),
        node("DepthToSpace", "sum", "y", blocksize=block),
    ]
    return nodes, {"x": [1, 3, 8, 10]}, weights


def row_shape(operator):
    return operator.outputs[0].shape


def test_sums_and_products_move_behind_the_view_and_nothing_is_copied():
    """Row planes made by hand, as RED-mobile has them: arithmetic a plane, then rows."""
    rng = np.random.default_rng(0)
    nodes, joined = [], []
    for row in range(2):
        nodes += [
            node("Conv", f"x w{row}", f"a{row}"),
            node("Mul", f"a{row} gain", f"m{row}"),
            node("Add", f"m{row} half", f"s{row}"),
            node("Transpose", f"s{row}", f"t{row}", perm=[0, 2, 3, 1]),
            node("Reshape", f"t{row} rows", f"r{row}"),
        ]
        joined.append(f"r{row}")
    nodes = [node("Conv", "x wg", "gain"), *nodes, node("Concat", [*joined], "c", axis=2), node("Reshape", "c flat", "y")]
    constants = {name: rng.normal(0, 0.3, (6, 5, 1, 1)).astype(np.float32) for name in ("w0", "w1", "wg")}
    constants |= {"half": np.array(0.5, np.float32), "rows": np.array([1, 4, 1, 42], INT64), "flat": np.array([1, 336], INT64)}
    model = onnx_model(nodes, {"x": [1, 5, 4, 7]}, constants)
    written = convert_and_compare(model, LoweringChoices())
    moved = convert_and_compare(model, LoweringChoices(row_arithmetic="in_rows"))
    assert {row_shape(operator) for operator in written.operators if operator.kind in ("ADD", "MUL")} == {(1, 4, 7, 6)}
    assert {row_shape(operator) for operator in moved.operators if operator.kind in ("ADD", "MUL")} == {(1, 4, 1, 42)}
    joining = next(operator for operator in moved.operators if operator.kind == "CONCATENATION")
    producers = moved.producers()
    assert {producers[id(tensor)].kind for tensor in joining.inputs} == {"ADD"}
    lines = []
    lower(onnx_graph(nodes, {"x": [1, 5, 4, 7]}, constants), LoweringChoices(row_arithmetic="in_rows"), lines)
    assert lines == ["4 sums and products of row planes are computed in the shape of the rows that are joined"]


def test_a_sum_that_others_read_too_stays_where_it_is():
    nodes = [
        node("Add", "x x", "a"),
        node("Transpose", "a", "t", perm=[0, 2, 3, 1]),
        node("Reshape", "t rows", "r"),
        node("Concat", "r r", "c", axis=2),
        node("Relu", "a", "other"),
    ]
    model = onnx_model(nodes, {"x": [1, 5, 4, 7]}, {"rows": np.array([1, 4, 1, 35], INT64)}, outputs=("c", "other"))
    moved = convert_and_compare(model, LoweringChoices(row_arithmetic="in_rows"))
    assert {row_shape(operator) for operator in moved.operators if operator.kind == "ADD"} == {(1, 4, 7, 5)}


def test_gain_and_residual_are_the_same_in_rows():
    case = gain_and_residual()
    convert_and_compare(onnx_model(*case), LoweringChoices(row_arithmetic="in_rows", space_to_depth="space_to_depth"))


@pytest.mark.parametrize("recipe", names("converters"))
def test_every_recipe_reads_and_lowers_a_network_with_all_of_it(recipe):
    choices = load_converter(recipe).lowering
    nodes = gain_and_residual(4)[0]
    weights = {name: np.random.default_rng(1).normal(0, 0.2, (48, 48, 1, 1)).astype(np.float32) for name in ("wg", "wr")}
    nodes = [*nodes[:3], node("GlobalAveragePool", "gain", "pooled"), node("Mul", "gain pooled", "scaled"), *nodes[3:]]
    nodes[5] = node("Mul", "deep scaled", "lifted")
    convert_and_compare(onnx_model(nodes, {"x": [1, 3, 16, 20]}, weights), choices, tolerance=1e-4)


def patches(block, *, batch=1, width=None):
    """A convolution of what SpaceToDepth gives, and of the same patches directly."""
    rng, width = np.random.default_rng(3), width or 5 * block
    weights = {"w1": rng.normal(0, 0.3, (7, 3 * block**2, 1, 1)), "wb": rng.normal(0, 0.3, (7, 3, block, block)), "b": rng.normal(0, 0.3, 7)}
    nodes = [
        node("SpaceToDepth", "x", "d", blocksize=block),
        node("Conv", "d w1 b", "c1"),
        node("Conv", "x wb b", "cb", strides=[block, block]),
        node("Relu", "c1", "r1"),
        node("Add", "r1 cb", "y"),
    ]
    return onnx_model(nodes, {"x": [batch, 3, 3 * block, width]}, {name: values.astype(np.float32) for name, values in weights.items()})


@pytest.mark.parametrize(("block", "batch"), [(2, 1), (3, 1), (4, 2)])
def test_patches_are_convolved_with_a_stride_over_their_rows(block, batch):
    made = convert_and_compare(patches(block, batch=batch), LoweringChoices(patch_convolution="row_stride"))
    strided = [operator for operator in made.operators if operator.kind == "CONV_2D"]
    assert [operator.inputs[1].shape for operator in strided] == [(7, block, 1, 3 * block)] * 2
    assert {(operator.options["stride_h"], operator.options["stride_w"]) for operator in strided} == {(block, 1)}
    assert kinds(made) == {"RESHAPE": 2, "CONV_2D": 2, "ADD": 1}


def test_what_only_looks_like_patches_stays_as_it_is():
    weights = np.random.default_rng(4).normal(0, 0.3, (7, 3, 2, 2)).astype(np.float32)
    uneven = onnx_model([node("Conv", "x w", "y", strides=[2, 2])], {"x": [1, 3, 7, 8]}, {"w": weights})
    dilated = onnx_model([node("Conv", "x w", "y", strides=[2, 2], dilations=[2, 2])], {"x": [1, 3, 8, 8]}, {"w": weights})
    turned = [node("SpaceToDepth", "x", "d", blocksize=2), node("Split", "d", "a b", axis=1, num_outputs=2), node("Concat", "b a", "c", axis=1)]
    turned = onnx_model([*turned, node("Conv", "c v", "y")], {"x": [1, 3, 8, 8]}, {"v": weights.reshape(7, 12, 1, 1)})
    for model in (uneven, dilated, turned):
        made = convert_and_compare(model, LoweringChoices(patch_convolution="row_stride"))
        assert not any(operator.kind == "CONV_2D" and operator.inputs[1].shape[1:3] == (2, 1) for operator in made.operators)


@pytest.mark.parametrize(("block", "width", "moving"), [(2, None, 0), (3, None, 0), (4, None, 2), (4, 24, 2), (8, None, 2)])
def test_large_strides_in_steps_of_two(block, width, moving):
    """Two convolutions of 4×4 patches have a step that only moves values; one of 8×8 has two, the other's rows are cut out one by one."""
    model = patches(block, width=width)
    strided = convert_and_compare(model, LoweringChoices(patch_convolution="row_stride"))
    choices, lines = LoweringChoices(patch_convolution="row_stride_2"), []
    stepped = lower(read_onnx(model.SerializeToString()), choices)
    finish(stepped, choices, lines)
    x = {"x": random((1, 3 * block, width or 5 * block, 3))}
    assert np.allclose(run_tflite(stepped, x)[0], run_tflite(strided, x)[0], atol=1e-5)
    convolutions = [operator for operator in stepped.operators if operator.kind == "CONV_2D"]
    assert len(convolutions) == 2 + moving
    assert bool(lines) == bool(moving)
    assert {operator.options["stride_h"] for operator in convolutions} <= {1, 2, 3}


@pytest.mark.parametrize("bits", [8, 16])
def test_steps_of_two_give_the_same_codes(bits):
    """The picture is read by one view alone; the other view looks at that one."""
    activations = ActivationQuantization(bits=bits, symmetric=bits == 16, search=0)
    plan = Quantize(activations=activations, io="int8" if bits == 8 else "int16")
    graph = read_onnx(patches(4, width=24).SerializeToString())
    frames = [np.random.default_rng(5).integers(0, 256, (12, 24, 3), np.uint8)]
    made = []
    for choice in ("row_stride", "row_stride_2"):
        choices = LoweringChoices(patch_convolution=choice)
        made.append(quantize(lower(graph, choices), plan, frames).model)
        finish(made[-1], choices, [])
    low, high = (-128, 128) if bits == 8 else (-32768, 32768)
    codes = {"x": np.random.default_rng(6).integers(low, high, (1, 12, 24, 3)).astype(f"int{bits}")}
    strided, stepped = (run_tflite(model, codes)[0] for model in made)
    assert np.array_equal(strided, stepped)
    views = [operator for operator in made[1].operators if operator.kind == "RESHAPE"]
    assert sum(view.inputs[0] is made[1].inputs[0] for view in views) == 1


def test_planes_without_views_are_the_same():
    model = onnx_model(*gain_and_residual())
    written = kinds(convert_and_compare(model, LoweringChoices()))
    planes = kinds(convert_and_compare(model, LoweringChoices(row_arithmetic="in_planes")))
    assert planes["RESHAPE"] < written["RESHAPE"]
    assert {kind: count for kind, count in planes.items() if kind != "RESHAPE"} == {k: n for k, n in written.items() if k != "RESHAPE"}


@pytest.mark.parametrize("count", [5, 6, 8, 9, 10, 14])
def test_concatenations_of_many_are_joined_five_at_a_time(count):
    parts = [f"p{place}" for place in range(count)]
    sizes = {part: [1, 2 + place % 3, 3, 4] for place, part in enumerate(parts)}
    nodes = [node("Relu", part, f"{part}_r") for part in parts]
    nodes.append(node("Concat", " ".join(f"{part}_r" for part in parts), "y", axis=1))
    model = convert_and_compare(onnx_model(nodes, sizes), LoweringChoices(concatenation="at_most_five"))
    joins = [operator for operator in model.operators if operator.kind == "CONCATENATION"]
    assert max(len(join.inputs) for join in joins) <= 5
    assert len(joins) == 1 + -(-(count - 5) // 4)
