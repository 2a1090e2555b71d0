"""Where targets disagree: every way of LoweringChoices is the same function, and says what it did."""

import numpy as np
import pytest
from onnx_cases import convert_and_compare, kinds, node, onnx_graph, onnx_model

from redmobile.convert.onnx_to_tflite import lower
from redmobile.core.converter import LoweringChoices, load_converter
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
