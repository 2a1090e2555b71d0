"""Mutations of ONNX files: bytes, and what is written in them. The same number gives the same file."""

import functools
import random

import onnx
from fuzz_seeds import SEEDS
from onnx import AttributeProto, TensorProto

INTEGERS = (0, 1, -1, 2, 3, -7, 255, 65536, 2**31 - 1, -(2**31), 2**32, 2**62, 2**63 - 1, -(2**63))
FLOATS = (0.0, -0.0, -1.0, 1e-30, 3e38, float("inf"), float("-inf"), float("nan"))
TEXTS = (b"", b"x", b"nearest", b"\xff\xfe", b"a" * 3000, "größe\n".encode())


def mutated_onnx(number: int) -> bytes:
    """File `number`: one of the seeds with one to three faults."""
    dice = random.Random(number)  # noqa: S311  not for secrets
    model = onnx.ModelProto.FromString(_seed(number % len(SEEDS)))
    for _ in range(dice.choice((1, 1, 2, 3))):
        _mutate(model, dice)
    data = model.SerializeToString()
    return mutate_bytes(data, dice) if dice.random() < 0.3 else data


def mutate_bytes(data: bytes, dice: random.Random) -> bytes:
    """Cut, flipped, doubled or overwritten somewhere."""
    made = bytearray(data)
    place = dice.randrange(len(made))
    match dice.randrange(5):
        case 0:
            return bytes(made[:place])
        case 1:
            for _ in range(dice.randint(1, 8)):
                made[dice.randrange(len(made))] ^= 1 << dice.randrange(8)
        case 2:
            made[place:place] = made[place : place + dice.randint(1, 64)]
        case 3:
            del made[place : place + dice.randint(1, 64)]
        case 4:
            size = min(dice.randint(1, 8), len(made) - place)
            made[place : place + size] = dice.randbytes(size) if dice.random() < 0.5 else b"\xff" * size
    return bytes(made)


@functools.cache
def _seed(number: int) -> bytes:
    return SEEDS[number]().SerializeToString()


def _mutate(model: onnx.ModelProto, dice: random.Random) -> None:
    dice.choice((_node, _node, _attribute, _attribute, _attribute, _wires, _wires, _constant, _constant, _constant, _port, _port, _header))(
        model, dice
    )


def _node(model, dice):
    nodes = model.graph.node
    node = dice.choice(nodes) if nodes else nodes.add()
    match dice.randrange(6):
        case 0:
            node.op_type = dice.choice([*(other.op_type for other in nodes), "", "NoSuchOp", "Loop", "RandomNormal", "NonZero", "Range"])
        case 1:
            node.domain = dice.choice(("ai.onnx.ml", "com.example", "ai.onnx"))
        case 2:
            nodes.remove(node)
        case 3:
            nodes.add().CopyFrom(node)
        case 4:
            order = list(nodes)
            dice.shuffle(order)
            copies = [onnx.NodeProto.FromString(entry.SerializeToString()) for entry in order]
            del nodes[:]
            nodes.extend(copies)
        case 5:
            node.name = dice.choice(("", "n1", "same"))


def _attribute(model, dice):
    holders = [node for node in model.graph.node if node.attribute]
    if not holders:
        return
    node = dice.choice(holders)
    attribute = dice.choice(node.attribute)
    match dice.randrange(6):
        case 0:
            node.attribute.remove(attribute)
        case 1:
            attribute.type = dice.randrange(15) if dice.random() < 0.5 else AttributeProto.TENSOR
        case 2:
            attribute.name = dice.choice(("", "axis", "pads", "kernel_shape", "to", "group"))
        case 3:
            del attribute.ints[dice.randrange(len(attribute.ints) + 1) :]
            attribute.ints.extend(dice.choices(INTEGERS, k=dice.randrange(3)))
        case _:
            _set_value(attribute, dice)


def _set_value(attribute, dice):
    if attribute.type == AttributeProto.INTS and attribute.ints:
        attribute.ints[dice.randrange(len(attribute.ints))] = dice.choice(INTEGERS)
    elif attribute.type == AttributeProto.FLOAT:
        attribute.f = dice.choice(FLOATS)
    elif attribute.type == AttributeProto.STRING:
        attribute.s = dice.choice(TEXTS)
    elif attribute.type == AttributeProto.TENSOR:
        _spoil(attribute.t, dice)
    else:
        attribute.i = dice.choice(INTEGERS)


def _wires(model, dice):
    nodes = model.graph.node
    if not nodes:
        return
    node = dice.choice(nodes)
    names = [name for other in nodes for name in (*other.input, *other.output)] + ["", "nowhere"]
    match dice.randrange(6):
        case 0 if node.input:
            node.input[dice.randrange(len(node.input))] = dice.choice(names)
        case 1 if node.output:
            node.output[dice.randrange(len(node.output))] = dice.choice(names)
        case 2 if node.input:
            del node.input[dice.randrange(len(node.input)) :]
        case 3:
            node.input.extend(dice.choices(names, k=dice.randint(1, 3)))
        case 4:
            node.output.append(dice.choice(names))
        case _ if node.input and node.output:
            node.input[0] = node.output[0]


def _constant(model, dice):
    constants = model.graph.initializer
    if not constants:
        return
    tensor = dice.choice(constants)
    match dice.randrange(8):
        case 0:
            constants.remove(tensor)
        case 1:
            constants.add().CopyFrom(tensor)
        case 2:
            tensor.name = dice.choice([*(value.name for value in model.graph.input), "", "c0"])
        case _:
            _spoil(tensor, dice)


def _spoil(tensor, dice):
    match dice.randrange(7):
        case 0 if tensor.dims:
            tensor.dims[dice.randrange(len(tensor.dims))] = dice.choice(INTEGERS)
        case 1:
            tensor.dims.append(dice.choice(INTEGERS))
        case 2:
            tensor.data_type = dice.choice((0, TensorProto.STRING, TensorProto.BFLOAT16, 99, TensorProto.INT64, TensorProto.FLOAT, TensorProto.INT8))
        case 3:
            tensor.raw_data = tensor.raw_data[: dice.randrange(len(tensor.raw_data) + 1)]
        case 4:
            tensor.data_location = TensorProto.EXTERNAL
            tensor.external_data.add(key="location", value=dice.choice(("nowhere.bin", "", "../../etc/passwd", "/dev/zero")))
        case 5:
            del tensor.dims[:]
            tensor.dims.extend([dice.choice((1, 8, 1024, 65536)) for _ in range(dice.randrange(8))])
        case _ if tensor.data_type == TensorProto.INT64 and tensor.raw_data:
            place = dice.randrange(len(tensor.raw_data) // 8) * 8 if len(tensor.raw_data) >= 8 else 0
            value = dice.choice(INTEGERS).to_bytes(8, "little", signed=True)
            tensor.raw_data = tensor.raw_data[:place] + value + tensor.raw_data[place + 8 :]


def _port(model, dice):
    ports = [*model.graph.input, *model.graph.output, *model.graph.value_info]
    if not ports:
        return
    port = dice.choice(ports)
    tensor = port.type.tensor_type
    match dice.randrange(8):
        case 0:
            port.name = dice.choice(("", "image", "c0", "elsewhere"))
        case 1:
            port.ClearField("type")
        case 2:
            tensor.elem_type = dice.choice((0, TensorProto.STRING, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.INT64, TensorProto.BOOL, 77))
        case 3:
            tensor.ClearField("shape")
        case 4:
            tensor.shape.dim.add(dim_value=dice.choice(INTEGERS))
        case 5:
            port.type.sequence_type.elem_type.tensor_type.elem_type = TensorProto.FLOAT
        case _ if tensor.shape.dim:
            dimension = dice.choice(tensor.shape.dim)
            if dice.random() < 0.3:
                dimension.dim_param = dice.choice(("N", "", "height"))
            else:
                dimension.dim_value = dice.choice((*INTEGERS, 5, 6, 1000))


def _header(model, dice):
    match dice.randrange(7):
        case 0:
            del model.opset_import[:]
        case 1 if model.opset_import:
            model.opset_import[0].version = dice.choice((0, 1, 6, 9, 11, 13, 22, 99, -1))
        case 2:
            model.ir_version = dice.choice((0, 1, 3, 99, -1))
        case 3:
            del model.graph.output[dice.randrange(len(model.graph.output) + 1) :]
        case 4:
            del model.graph.input[dice.randrange(len(model.graph.input) + 1) :]
        case 5:
            model.metadata_props.add(key="redmobile.input_range", value=dice.choice(("0", "a,b", "0,1,2", "nan,inf", "\x00")))
        case 6 if model.graph.output:
            model.graph.output.add().CopyFrom(dice.choice(model.graph.output))
