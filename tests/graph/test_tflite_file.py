"""Reading and writing .tflite files, on models built here."""

from __future__ import annotations

import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.interpreter import Interpreter

from redmobile.core.quant_math import Quantization
from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.op_versions import version_of
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite

CONV_OPTIONS = {"padding": "SAME", "stride_w": 2, "stride_h": 2, "fused_activation_function": "RELU6", "dilation_w_factor": 1, "dilation_h_factor": 1}


def float_model() -> TfliteModel:
    """Conv 3×3/2 with ReLU6, then LOGISTIC; 8×6×3 in, 4×3×5 out."""
    rng = np.random.default_rng(0)
    image = Tensor("image", (1, 8, 6, 3), "float32")
    weights = Tensor.constant("weights", rng.normal(size=(5, 3, 3, 3)).astype(np.float32))
    bias = Tensor.constant("bias", rng.normal(size=5).astype(np.float32))
    features = Tensor("features", (1, 4, 3, 5), "float32")
    enhanced = Tensor("enhanced", (1, 4, 3, 5), "float32")
    operators = [Operator("CONV_2D", [image, weights, bias], [features], dict(CONV_OPTIONS)), Operator("LOGISTIC", [features], [enhanced])]
    return TfliteModel(operators, [image], [enhanced], "a small model", {"redmobile": b'{"name": "small"}'})


def int8_model() -> TfliteModel:
    """A quantized conv without activation, per-channel weights."""
    rng = np.random.default_rng(1)
    image = Tensor("image", (1, 4, 4, 2), "int8", quantization=Quantization.per_tensor(1 / 255, -128))
    per_channel = Quantization.per_channel(np.array([0.01, 0.02, 0.03]), 0)
    weights = Tensor.constant("weights", rng.integers(-127, 128, (3, 1, 1, 2)).astype(np.int8), per_channel)
    bias = Tensor.constant("bias", rng.integers(-99, 99, 3).astype(np.int32), Quantization.per_channel(np.array([0.01, 0.02, 0.03]) / 255, 0))
    enhanced = Tensor("enhanced", (1, 4, 4, 3), "int8", quantization=Quantization.per_tensor(0.05, 3))
    options = {"padding": "VALID", "stride_w": 1, "stride_h": 1}
    return TfliteModel([Operator("CONV_2D", [image, weights, bias], [enhanced], options)], [image], [enhanced])


def assert_same(left: TfliteModel, right: TfliteModel) -> None:
    assert (left.description, left.metadata) == (right.description, right.metadata)
    assert [operator.kind for operator in left.operators] == [operator.kind for operator in right.operators]
    for ours, theirs in zip(left.operators, right.operators, strict=True):
        assert ours.options.items() <= theirs.options.items()
        assert [tensor and tensor.name for tensor in ours.inputs] == [tensor and tensor.name for tensor in theirs.inputs]
    for ours, theirs in zip(left.tensors(), right.tensors(), strict=True):
        assert (ours.name, ours.shape, ours.dtype, ours.quantization) == (theirs.name, theirs.shape, theirs.dtype, theirs.quantization)
        assert (ours.data is None) == (theirs.data is None)
        if ours.data is not None:
            np.testing.assert_array_equal(ours.data, theirs.data)
    assert [tensor.name for tensor in left.inputs + left.outputs] == [tensor.name for tensor in right.inputs + right.outputs]


@pytest.mark.parametrize("build", [float_model, int8_model])
def test_what_is_written_is_read_again(build):
    model = build()
    assert_same(model, read_tflite(write_tflite(model)))


@pytest.mark.parametrize("build", [float_model, int8_model])
def test_same_model_gives_same_bytes(build):
    data = write_tflite(build())
    assert data == write_tflite(build()) == write_tflite(read_tflite(data))


def test_written_file_runs_by_signature_and_is_right():
    model = float_model()
    interpreter = Interpreter(model_content=write_tflite(model))
    run = interpreter.get_signature_runner("serving_default")
    image = np.random.default_rng(2).random((1, 8, 6, 3)).astype(np.float32)
    enhanced = run(image=image)["enhanced"]
    padded = np.pad(image, ((0, 0), (0, 1), (0, 1), (0, 0)))
    weights, bias = (tensor.data for tensor in model.operators[0].inputs[1:])
    window = padded[0, 2:5, 4:7]  # output row 1, column 2
    expected = 1 / (1 + np.exp(-np.clip((window * weights).sum((1, 2, 3)) + bias, 0, 6)))
    np.testing.assert_allclose(enhanced[0, 1, 2], expected, rtol=1e-5)


def test_int8_file_is_accepted_by_the_runtime():
    interpreter = Interpreter(model_content=write_tflite(int8_model()))
    interpreter.allocate_tensors()
    interpreter.invoke()
    detail = interpreter.get_output_details()[0]
    assert detail["quantization"] == (pytest.approx(0.05), 3)


def test_constants_are_aligned_to_16_bytes():
    data = write_tflite(float_model())
    buffers = [schema.Model.GetRootAs(data).Buffers(index) for index in range(4)]
    assert all(data[4:8] == b"TFL3" for _ in buffers)
    for tensor in float_model().tensors():
        if tensor.data is not None:
            assert data.index(tensor.data.tobytes()) % 16 == 0


def test_absent_optional_input_stays_absent():
    model = float_model()
    model.operators[0].inputs[2] = None
    assert read_tflite(write_tflite(model)).operators[0].inputs[2] is None


@pytest.mark.parametrize("data", [b"", b"not a model at all", b"\x89PNG\r\n\x1a\n", bytes(100)])
def test_foreign_bytes_are_refused(data):
    with pytest.raises(InputError, match=r"^photo\.png: is not a TFLite file"):
        read_tflite(data, "photo.png")


@pytest.mark.parametrize("part", [0.1, 0.3, 0.5, 0.7, 0.9, 0.99])
def test_truncated_file_is_refused_in_one_line(part):
    data = write_tflite(float_model())
    with pytest.raises(InputError, match="damaged or truncated") as caught:
        read_tflite(data[: int(len(data) * part)], "model.tflite")
    assert "\n" not in str(caught.value)


def test_two_subgraphs_are_refused():
    model = schema.ModelT(
        version=3, operatorCodes=[], subgraphs=[schema.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[])] * 2, buffers=[schema.BufferT()]
    )
    with pytest.raises(UnsupportedModelError, match="2 subgraphs"):
        read_tflite(_packed(model))


def test_operator_without_its_tensors_is_refused():
    model = float_model()
    data = bytearray(write_tflite(model))
    read = schema.ModelT.InitFromPackedBuf(data)
    read.subgraphs[0].operators[0].inputs = [0]
    with pytest.raises(InputError, match="damaged"):
        read_tflite(_packed(read))


def test_custom_operator_is_refused_by_name():
    code = schema.OperatorCodeT(customCode="MyOp", builtinCode=schema.BuiltinOperator.CUSTOM, deprecatedBuiltinCode=schema.BuiltinOperator.CUSTOM)
    graph = schema.SubGraphT(tensors=[], inputs=[], outputs=[], operators=[])
    with pytest.raises(UnsupportedModelError, match="custom operator 'MyOp'"):
        read_tflite(_packed(schema.ModelT(version=3, operatorCodes=[code], subgraphs=[graph], buffers=[schema.BufferT()])))


def _packed(model) -> bytes:
    import flatbuffers

    builder = flatbuffers.Builder(64)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def test_unknown_kind_option_and_enum_are_refused():
    model = float_model()
    model.operators[1].kind = "SIGMOIDAL"
    with pytest.raises(UnsupportedModelError, match="'SIGMOIDAL' is not an operator"):
        write_tflite(model)
    model = float_model()
    model.operators[0].options["stride"] = 2
    with pytest.raises(UnsupportedModelError, match="unknown option 'stride'"):
        write_tflite(model)
    model = float_model()
    model.operators[0].options["padding"] = "FULL"
    with pytest.raises(UnsupportedModelError, match="cannot be 'FULL'"):
        write_tflite(model)


def test_size_beyond_32_bits_is_refused():
    model = float_model()
    model.inputs[0].shape = (1, 2**31, 6, 3)
    with pytest.raises(UnsupportedModelError, match=r"'image' has the shape .*TFLite counts with 32 bits"):
        write_tflite(model)


def test_constant_that_does_not_fit_its_tensor_is_refused():
    model = float_model()
    model.operators[0].inputs[2].dtype = "int32"
    with pytest.raises(UnsupportedModelError, match="Tensor 'bias' says int32"):
        write_tflite(model)


def operator(kind, dtype, options=None, *, shape=(1, 4, 4, 2), inputs=2, output=None):
    tensors = [Tensor(f"x{index}", shape, dtype) for index in range(inputs)]
    return Operator(kind, tensors, [output or Tensor("y", shape, dtype)], options or {})


@pytest.mark.parametrize(
    ("op", "version"),
    [
        (operator("ADD", "float32"), 1),
        (operator("ADD", "int8"), 2),
        (operator("ADD", "int16"), 5),  # without a scale: integers
        (operator("ADD", "int64"), 4),
        (operator("ABS", "int16", inputs=1), 4),
        (operator("ABS", "int32", inputs=1), 5),
        (operator("GATHER", "bool"), 3),
        (operator("GATHER", "float32", {"batch_dims": 1}), 5),
        (operator("GATHER_ND", "bool"), 5),
        (operator("FILL", "bool"), 2),
        (operator("FLOOR_DIV", "float32"), 2),
        (operator("SELECT", "float32", shape=(1, 1, 1, 1, 2), inputs=3), 3),
        (operator("STRIDED_SLICE", "bool"), 3),
        (operator("STRIDED_SLICE", "float32", {"new_axis_mask": 1}), 6),
        (operator("BATCH_TO_SPACE_ND", "float32", shape=(4, 2, 2)), 3),
        (operator("CONV_2D", "float32"), 1),
        (operator("CONV_2D", "int8"), 3),
        (operator("CONV_2D", "int16"), 4),
        (operator("DEPTHWISE_CONV_2D", "int8"), 3),
        (operator("DEPTHWISE_CONV_2D", "float32", {"dilation_w_factor": 2}), 2),
        (operator("RESIZE_BILINEAR", "int8"), 2),
        (operator("RESIZE_BILINEAR", "int8", {"half_pixel_centers": True}), 3),
        (operator("RESIZE_BILINEAR", "float32", {"half_pixel_centers": True}), 3),
        (operator("RESIZE_BILINEAR", "int16"), 4),
        (operator("MUL", "int8"), 2),
        (operator("MUL", "int16"), 7),
        (operator("SUB", "int16"), 5),
        (operator("MEAN", "int8"), 2),
        (operator("SPLIT", "int8"), 2),
        (operator("TRANSPOSE_CONV", "float32", inputs=4), 3),
        (operator("TRANSPOSE", "float32", shape=(1, 2, 3, 4, 5, 6)), 6),
        (operator("QUANTIZE", "float32", inputs=1, output=Tensor("y", (1,), "int16")), 2),
        (operator("DEQUANTIZE", "float16", inputs=1), 3),
        (operator("RESHAPE", "int8"), 1),
    ],
)
def test_versions(op, version):
    assert version_of(op) == version


@pytest.mark.parametrize(("kind", "version"), [("ADD", 3), ("MUL", 4), ("ABS", 3)])
def test_int16_codes_ask_for_less_than_int16_integers(kind, version):
    op = operator(kind, "int16", inputs=1 if kind == "ABS" else 2)
    for tensor in (*op.inputs, *op.outputs):
        tensor.quantization = Quantization.per_tensor(0.5, 0)
    assert version_of(op) == version


def test_int8_mul_that_rescales_up_asks_for_version_3():
    one = Quantization.per_tensor(1.0, 0)
    op = operator("MUL", "int8")
    for tensor in (*op.inputs, *op.outputs):
        tensor.quantization = one
    assert version_of(op) == 3
    op.outputs[0].quantization = Quantization.per_tensor(4.0, 0)
    assert version_of(op) == 2


def test_a_scalar_constant_stays_a_scalar():
    assert Tensor.constant("one", np.array(1, np.float32)).shape == ()
    assert Tensor.constant("turned", np.ones((2, 3), np.float32).T).data.flags.c_contiguous


def behind_the_flatbuffer(data: bytes, beyond: int = 0) -> bytes:
    """The same file with its constants behind the flatbuffer, as litert-torch writes large ones; `beyond` moves where they are said to lie."""
    import flatbuffers

    model = schema.ModelT.InitFromPackedBuf(data)
    moved = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    values = [bytes(np.asarray(buffer.data, np.uint8)) for buffer in moved]
    for buffer in moved:
        buffer.data, buffer.offset, buffer.size = None, 2, 1  # not the default, or the builder would leave the fields out
    packed = b""
    for _ in range(2):  # the second time with the length of the first
        place = len(packed)
        for buffer, value in zip(moved, values, strict=True):
            buffer.offset, buffer.size = max(place, 2) + beyond, len(value)
            place += len(value)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), b"TFL3")
        packed = bytes(builder.Output())
    return packed + b"".join(values)


def test_constants_behind_the_flatbuffer_are_found():
    data = write_tflite(float_model())
    assert write_tflite(read_tflite(behind_the_flatbuffer(data))) == data


def test_constants_beyond_the_file_are_refused():
    with pytest.raises(InputError, match=r"a constant lies at bytes \d+ to \d+ of a file of \d+"):
        read_tflite(behind_the_flatbuffer(write_tflite(float_model()), beyond=1 << 20))
