"""One network for layers: as ONNX, lowered to float, and quantized by our own quantizer."""

import dataclasses

import numpy as np
from onnx import helper
from parity_networks import save

from redmobile.convert.onnx_to_tflite import convert as lower_as
from redmobile.core.converter import ActivationQuantization, Converter, Quantize
from redmobile.graph.onnx_graph import load_onnx
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.quantize import quantize

HEIGHT, WIDTH = 24, 32


def network(path, *, uneven=1.0, shuffled=False):
    """Stem (ReLU6) → depthwise (ReLU6) → project + skip → gate by LOGISTIC → tail, clamped to [0, 1].

    uneven: factor between the widest and the narrowest channel of the stem. shuffled: the tail is a pixel shuffle of mode CRD.
    """
    rng = np.random.default_rng(11)
    spread = np.geomspace(1, 1 / uneven, 8).reshape(8, 1, 1, 1)
    tail = (12, 8, 1, 1) if shuffled else (3, 8, 1, 1)
    constants = {
        "w1": rng.normal(0, 0.6, (8, 3, 3, 3)) * spread,
        "b1": np.abs(rng.normal(0, 0.2, 8)) * spread.ravel(),
        "w2": rng.normal(0, 0.5, (8, 1, 3, 3)),
        "b2": np.full(8, 0.1) * spread.ravel(),
        "w3": rng.normal(0, 0.5, (8, 8, 1, 1)),
        "b3": rng.normal(0, 0.05, 8),
        "w4": rng.normal(0, 0.4, (8, 8, 1, 1)),
        "w5": rng.normal(0, 0.3, tail),
        "b5": np.full(tail[0], 0.4),
        "zero": np.array(0.0),
        "one": np.array(1.0),
        "six": np.array(6.0),
    }
    nodes = [
        helper.make_node("Conv", ["image", "w1", "b1"], ["c1"], pads=[1, 1, 1, 1]),
        helper.make_node("Clip", ["c1", "zero", "six"], ["stem"]),
        helper.make_node("Conv", ["stem", "w2", "b2"], ["c2"], pads=[1, 1, 1, 1], group=8),
        helper.make_node("Clip", ["c2", "zero", "six"], ["deep"]),
        helper.make_node("Conv", ["deep", "w3", "b3"], ["projected"]),
        helper.make_node("Add", ["projected", "stem"], ["skip"]),
        helper.make_node("Conv", ["skip", "w4"], ["gate_in"]),
        helper.make_node("Sigmoid", ["gate_in"], ["gate"]),
        helper.make_node("Mul", ["skip", "gate"], ["gated"]),
        helper.make_node("Conv", ["gated", "w5", "b5"], ["tail"]),
        *([helper.make_node("DepthToSpace", ["tail"], ["wide"], blocksize=2, mode="CRD")] if shuffled else []),
        helper.make_node("Clip", ["wide" if shuffled else "tail", "zero", "one"], ["enhanced"]),
    ]
    factor = 2 if shuffled else 1
    outputs = {"enhanced": (1, 3, factor * HEIGHT, factor * WIDTH)}
    return save(path, nodes, {"image": (1, 3, HEIGHT, WIDTH)}, outputs, {name: value.astype(np.float32) for name, value in constants.items()})


def pictures(count=3, seed=3):
    """Smooth and noisy, (count, H, W, 3) uint8."""
    rng = np.random.default_rng(seed)
    ramp = np.linspace(0.1, 1, HEIGHT)[:, None, None] * np.linspace(0.3, 1, WIDTH)[None, :, None]
    made = [ramp * rng.uniform(0.3, 1, 3) + rng.normal(0, 0.05, (HEIGHT, WIDTH, 3)) for _ in range(count)]
    return np.clip(np.stack(made) * 255, 0, 255).astype(np.uint8)


def lowered(onnx, **choices):
    """The float TfliteModel."""
    converter = Converter(says="x", quantize=Quantize(), **choices)
    return lower_as(load_onnx(onnx), "litert_int8", converter)


def quantized(model, *, equalize=True):
    """Our INT8 TfliteModel of it."""
    recipe = Quantize(equalize=equalize, activations=ActivationQuantization(search=0, observer="min_max"))
    return quantize(model, recipe, list(pictures(4, seed=8))).model


def write(path, model):
    """The model as a file."""
    path.write_bytes(write_tflite(model))
    return path


def rescaled(model, name, factor):
    """`model` with the scale of the tensor `name` times `factor`, so that it clips, or wastes codes."""
    tensor = next(tensor for tensor in model.tensors() if tensor.name == name)
    tensor.quantization = dataclasses.replace(tensor.quantization, scale=(tensor.quantization.scale * np.float32(factor)))
    return model
