"""Mutations of TFLite files: bytes, and what is written in them. The same number gives the same file."""

import functools
import random
import tempfile
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema
from fuzz_onnx import mutate_bytes
from fuzz_seeds import SEEDS, pixel_shuffle, quantized

from redmobile.pipeline import convert

RECIPES = ("litert_fp32", "litert_fp16", "litert_int8", "litert_int16x8")
CONVERTED = tuple(build for build in SEEDS if build is not quantized)  # QuantizeLinear has no lowering
SIZES = (0, 1, -1, 2, 3, 7, 255, 65536, 2**31 - 1, -(2**31))
SEED_COUNT = len(CONVERTED) + len(RECIPES)


def mutated_tflite(number: int) -> bytes:
    """File `number`: one of the seeds with one to three faults in its tables, or in its bytes, or in both."""
    dice = random.Random(number)  # noqa: S311  not for secrets
    data = seed(number % SEED_COUNT)
    if dice.random() < 0.6:
        model = schema.ModelT.InitFromPackedBuf(data)
        for _ in range(dice.choice((1, 1, 2, 3))):
            _mutate(model, dice)
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        data = bytes(builder.Output())
    return data if dice.random() < 0.5 else mutate_bytes(data, dice)


@functools.cache
def seed(number: int) -> bytes:
    """Every ONNX seed as float, and the image network with each recipe."""
    build = CONVERTED[number] if number < len(CONVERTED) else pixel_shuffle
    recipe = RECIPES[number - len(CONVERTED)] if number >= len(CONVERTED) else RECIPES[0]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "seed.onnx"
        path.write_bytes(build().SerializeToString())
        frames = np.random.default_rng(0).integers(0, 256, (2, 8, 12, 3), dtype=np.uint8)
        return convert(path, recipe, list(frames) if "int" in recipe else None).data


def _mutate(model, dice):
    if not model.subgraphs or not model.subgraphs[0].tensors or not model.subgraphs[0].operators or not model.buffers:
        return  # an earlier fault has taken all away
    kinds = {_tensor: 3, _operator: 3, _options: 3, _code: 1, _graph: 1, _buffer: 2, _scales: 2, _rest: 1}
    (mutate,) = dice.choices(list(kinds), weights=list(kinds.values()))
    mutate(model, dice)


def _tensor(model, dice):
    tensor = dice.choice(model.subgraphs[0].tensors)
    match dice.randrange(6):
        case 0:
            tensor.type = dice.randrange(20)
        case 1:
            tensor.buffer = dice.choice((0, 1, 2, len(model.buffers) - 1, len(model.buffers), 2**31))
        case 2:
            tensor.name = dice.choice((b"", b"\xff", b"image"))
        case 3:
            tensor.shape = [dice.choice(SIZES) for _ in range(dice.randrange(7))]
        case 4:
            tensor.shapeSignature = [-1] * dice.randrange(5)
        case _:
            shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
            if shape:
                shape[dice.randrange(len(shape))] = dice.choice(SIZES)
            tensor.shape = shape


def _operator(model, dice):
    graph = model.subgraphs[0]
    operator = dice.choice(graph.operators)
    count = len(graph.tensors)
    strange = (-1, -2, count, 2**31 - 1, -(2**31))
    inputs, outputs = [int(index) for index in operator.inputs], [int(index) for index in operator.outputs]
    match dice.randrange(7):
        case 0 if inputs:
            inputs[dice.randrange(len(inputs))] = dice.choice((*strange, *range(count)))
        case 1 if outputs:
            outputs[dice.randrange(len(outputs))] = dice.choice((*strange, *range(count)))
        case 2 if inputs:
            del inputs[dice.randrange(len(inputs)) :]
        case 3:
            inputs.append(dice.randrange(count))
        case 4 if outputs and inputs:
            inputs[0] = outputs[0]
        case 5:
            graph.operators.remove(operator)
        case _:
            operator.opcodeIndex = dice.choice((*range(len(model.operatorCodes) + 2), 2**31))
    operator.inputs, operator.outputs = inputs, outputs


def _options(model, dice):
    operators = [operator for operator in model.subgraphs[0].operators if operator.builtinOptions is not None]
    if not operators:
        return
    operator = dice.choice(operators)
    fields = [name for name, value in vars(operator.builtinOptions).items() if isinstance(value, int) and not isinstance(value, bool)]
    if fields:
        name = dice.choice(fields)
        setattr(operator.builtinOptions, name, dice.choice((0, 1, 2, 5, 127, -1)) if dice.random() < 0.7 else dice.choice((-128, 100)))
    if dice.random() < 0.2:
        operator.builtinOptions, operator.builtinOptionsType = None, 0


def _code(model, dice):
    code = dice.choice(model.operatorCodes)
    number = dice.choice((*range(160), 205, 999))
    code.builtinCode, code.deprecatedBuiltinCode = number, min(number, 127)
    if dice.random() < 0.3:
        code.version = dice.choice((0, 1, 2, 5, 99, -1))


def _graph(model, dice):
    graph = model.subgraphs[0]
    count = len(graph.tensors)
    ends = [dice.choice((-1, count, *range(count))) for _ in range(dice.randrange(4))]
    match dice.randrange(5):
        case 0:
            graph.inputs = ends
        case 1:
            graph.outputs = ends
        case 2:
            dice.shuffle(graph.operators)
        case 3:
            graph.operators = graph.operators[: dice.randrange(len(graph.operators) + 1)]
        case 4:
            graph.tensors = graph.tensors[: dice.randrange(count)]


def _buffer(model, dice):
    filled = [buffer for buffer in model.buffers if buffer.data is not None and len(buffer.data)]
    if not filled:
        return
    buffer = dice.choice(filled)
    data = bytearray(np.asarray(buffer.data, np.uint8).tobytes())
    if dice.random() < 0.3:
        data = data[: dice.randrange(len(data))]
    else:  # one int32 of a shape, of axes, of an amount to pad
        place = dice.randrange(len(data)) // 4 * 4
        data[place : place + 4] = dice.choice(SIZES).to_bytes(4, "little", signed=True)
    buffer.data = np.frombuffer(bytes(data), np.uint8)


def _scales(model, dice):
    tensors = [tensor for tensor in model.subgraphs[0].tensors if tensor.quantization is not None and tensor.quantization.scale is not None]
    tensor = dice.choice(tensors or model.subgraphs[0].tensors)
    if tensor.quantization is None:
        tensor.quantization = schema.QuantizationParametersT(scale=[0.1], zeroPoint=[0])
    parameters = tensor.quantization
    match dice.randrange(5):
        case 0:
            parameters.scale = [dice.choice((0.0, -1.0, float("nan"), float("inf"), 1e-30, 1e30))]
        case 1:
            parameters.zeroPoint = [dice.choice((-129, 128, 2**31, -(2**62)))]
        case 2:
            parameters.quantizedDimension = dice.choice((-1, 1, 3, 4, 99))
        case 3:
            parameters.scale = []
        case 4:
            parameters.scale, parameters.zeroPoint = [0.1] * dice.choice((2, 3, 1000)), [0] * dice.choice((0, 1, 2))


def _rest(model, dice):
    match dice.randrange(5):
        case 0:
            model.signatureDefs[0].inputs = []
        case 1:
            model.metadata[0].buffer = dice.choice((0, 1, len(model.buffers), 2**31))
        case 2:
            model.subgraphs = dice.choice(([], model.subgraphs * 2))
        case 3:
            model.version = dice.choice((0, 1, 4))
        case 4:
            model.buffers = model.buffers[: dice.randrange(len(model.buffers))]
