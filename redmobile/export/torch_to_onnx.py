"""Trace a network into ONNX, check the result with onnxruntime, and say in the file what it is."""

from __future__ import annotations

import contextlib
import io
import logging
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from redmobile.core.artifact import write_bytes
from redmobile.core.environment import version_of
from redmobile.errors import InputError, MissingExtraError, UnsupportedModelError, UsageError
from redmobile.export.grids import annotate
from redmobile.nets.blocks.rounding import marking, roundings
from redmobile.nets.checkpoint import INT8_WEIGHTS, build_network, float_state, grid_names, load_model, load_weights, weights_sha256
from redmobile.nets.model_document import ModelDocument, load_model_document
from redmobile.nets.wider_patch import FACTOR, wider_document, wider_state
from redmobile.runtimes.base import open_runtime

OPSET = 18
"""The newest opset whose operators every reader of the field knows."""

TOLERANCE = 1e-4
"""Largest difference that is allowed between PyTorch's and onnxruntime's output, relative to the largest value or 1."""


def export_onnx(
    name: str, out: Path, *, weights: Path | None = None, int8_weights: Path | None = None, size: tuple[int, int] | None = None, body: int = 1
) -> Path:
    """Write the network `name` as ONNX to `out`: static shape (1, 3, H, W), input `image`, output `enhanced`; returns `out`.

    int8_weights: what quantization-aware training made of them, which goes into the file as advice to those who quantize it (export/grids.py);
    by default that of the model's folder, if it has some and `weights` are its own too.
    size: (height, width), by default that of model.toml. body: 2: it works at half the size (nets/wider_patch.py).
    The file is run in onnxruntime on a random picture and compared with PyTorch before it is moved into place.
    Raises InputError, DocumentError, UsageError, UnsupportedModelError, OutputError.
    """
    if version_of("onnxscript") is None:
        raise MissingExtraError("onnxscript", "torch", "Export to ONNX")
    folder, document = load_model_document(name)
    network = load_model(name, weights)
    if weights is None and int8_weights is None and (folder / INT8_WEIGHTS).is_file():
        int8_weights = folder / INT8_WEIGHTS
    trained = _advice(network, document, int8_weights) if int8_weights else {}
    if body == FACTOR:
        document, state = wider_document(document, name), wider_state(network.state_dict())
        network, trained = build_network(document).eval(), wider_state(trained)
        network.load_state_dict(state)
    elif body != 1:
        raise UsageError(f"The body works at the frame's size (1) or at half of it ({FACTOR}), found {body}.")
    return export_network(network, document, Path(name).name, out, trained=trained, size=size)


def export_network(
    network: nn.Module,
    document: ModelDocument,
    name: str,
    out: Path,
    *,
    trained: Mapping[str, Tensor] | None = None,
    size: tuple[int, int] | None = None,
) -> Path:
    """As export_onnx, of a network that need not be on the shelf; trained: parameter → its value for INT8, goes into the file as advice."""
    height, width = document.checked_size(size)
    picture = torch.from_numpy(np.random.default_rng(0).random((1, 3, height, width), np.float32))
    model = trace(network, tuple(picture.shape), ["image"], ["enhanced"], trained)
    _describe(model, name, document, weights_sha256(network))
    data = model.SerializeToString(deterministic=True)
    compare(network, data, picture, name)
    write_bytes(out, data)
    return out


def _advice(network: nn.Module, document: ModelDocument, int8_weights: Path) -> dict[str, Tensor]:
    """Parameter → its value for INT8; `network` takes the grids."""
    twin = build_network(document)
    load_weights(twin, int8_weights)
    grids = grid_names(twin)
    if any(rounding.grid is None for rounding in roundings(twin)):
        raise InputError(f"{int8_weights}: holds no grids of activations, as quantization-aware training leaves them (`quantize` in a plan).")
    network.load_state_dict({key: value for key, value in twin.state_dict().items() if key in grids}, strict=False)
    return float_state(twin)


def trace(
    network: nn.Module,
    shape: tuple[int, ...],
    inputs: list[str],
    outputs: list[str] | None,
    trained: Mapping[str, Tensor] | None = None,
) -> onnx.ModelProto:
    """`network` as an ONNX graph of one float32 input of static `shape`; inputs, outputs: names, None for those that the exporter finds.

    Tensors that have a grid are annotated with it; trained: parameter → its value for INT8, annotated too.
    """
    model, _ = trace_places(network, shape, inputs, outputs, trained)
    return model


def trace_places(
    network: nn.Module, shape: tuple[int, ...], inputs: list[str], outputs: list[str] | None, trained: Mapping[str, Tensor] | None = None
) -> tuple[onnx.ModelProto, dict[str, list[str]]]:
    """The same, and place of a rounding in the network → the ONNX values that it rounds."""
    with _silent(), torch.no_grad(), marking(network):
        program = torch.onnx.export(
            network.eval(),
            (torch.zeros(shape),),
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            verbose=False,
            optimize=True,
        )
    if program is None:
        raise UnsupportedModelError("torch.onnx.export gave no program for this network.")
    buffer = io.BytesIO()
    program.save(buffer)  # type: ignore[arg-type]  # documented to take a file object too
    model = onnx.load_from_string(buffer.getvalue())
    places = annotate(model, trained or {})
    _forget_traces(model)
    onnx.checker.check_model(model, full_check=True)
    return model, places


def _forget_traces(model: onnx.ModelProto) -> None:
    """Remove stack traces and other notes of the exporter: they hold paths of this machine and change from run to run."""
    model.producer_name, model.producer_version = "redmobile", version_of("redmobile") or ""
    del model.graph.metadata_props[:]
    for node in model.graph.node:
        del node.metadata_props[:]
        node.doc_string = ""
    for value in (*model.graph.value_info, *model.graph.input, *model.graph.output, *model.graph.initializer):
        del value.metadata_props[:]


def _describe(model: onnx.ModelProto, name: str, document: ModelDocument, sha256: str) -> None:
    low, high = document.input.range
    facts = {"name": name, "version": document.version, "weights_sha256": sha256, "input_range": f"{low:g},{high:g}"}
    onnx.helper.set_model_props(model, {f"redmobile.{key}": value for key, value in facts.items()})


def describe_weights(model: onnx.ModelProto, name: str, network: nn.Module) -> None:
    """Say in the file what the network is called and which weights it holds."""
    onnx.helper.set_model_props(model, {"redmobile.name": name, "redmobile.weights_sha256": weights_sha256(network)})


def compare(network: nn.Module, data: bytes, example: Tensor, name: str) -> None:
    """Raise UnsupportedModelError if onnxruntime, running the ONNX file `data`, differs from PyTorch by more than TOLERANCE of the largest value."""
    with torch.no_grad():
        made = network(example)
    if not isinstance(made, Tensor):
        raise UnsupportedModelError(f"{name}: gives {type(made).__name__}, one tensor was expected; let the factory wrap it.")
    expected = made.numpy()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "model.onnx"
        file.write_bytes(data)
        (found,) = open_runtime(file, "onnxruntime").run(example.numpy())
    difference = float(np.abs(expected - found).max()) / max(1.0, float(np.abs(expected).max()))
    if not difference <= TOLERANCE:
        raise UnsupportedModelError(f"{name}: onnxruntime's output differs from PyTorch's by {difference:.3g}, at most {TOLERANCE:g} was expected.")


@contextlib.contextmanager
def _silent() -> Iterator[None]:
    """Keep the exporter's progress lines, and warnings about its own internals, off the user's terminal."""
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.getLogger("torch.onnx").setLevel(level)
