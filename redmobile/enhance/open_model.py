"""From what a user names to a network that runs."""

from __future__ import annotations

from pathlib import Path

from redmobile.enhance.image_model import ImageModel
from redmobile.errors import InputError, MissingExtraError, UsageError
from redmobile.runtimes.base import DEFAULT_RUNTIMES, Delegate, Runtime, open_runtime
from redmobile.shelf import find

DEFAULT_MODEL = "red_mobile"

_FILES = {"onnxruntime": "{}.onnx"}
_INT8_FILE = "{}_int8.tflite"


def open_model(
    name: str = DEFAULT_MODEL, runtime: str | None = None, threads: int | None = None, delegate: Delegate | None = None
) -> tuple[ImageModel, str]:
    """The network `name` in an engine, and a line that says which file and engine: 'red_mobile_int8.tflite in litert 2.3.0'.

    name: a .tflite or .onnx file; or a model on the shelf or the folder of one, whose INT8 .tflite is taken (for the runtime
    onnxruntime its .onnx, for torch its weights). delegate: what the engine hands the graph to.
    Raises InputError, UsageError, UnsupportedModelError, DeviceError, MissingExtraError.
    """
    if runtime == "torch" and not _is_file(name):
        if delegate is not None:
            raise UsageError("--delegate: the runtime torch takes no delegates.")
        loaded = _torch(name, threads)
        return ImageModel(loaded), f"weights of {find('models', name).name} in {loaded.name}"
    file = model_file(name, runtime)
    loaded = open_runtime(file, runtime, threads, delegate)
    return ImageModel(loaded), f"{file.name} in {loaded.name}"


def model_file(name: str = DEFAULT_MODEL, runtime: str | None = None) -> Path:
    """The file that `open_model` would load for `name`. Raises InputError."""
    if _is_file(name):
        return Path(name)
    folder = find("models", name)
    file = folder / _FILES.get(runtime or "", _INT8_FILE).format(folder.name)
    if not file.is_file():
        raise InputError(f"{folder}: holds no {file.name}; make it: redmobile build {name} --with litert_int8 --out {folder}")
    return file


def _is_file(name: str) -> bool:
    path = Path(name)
    return path.suffix.lower() in DEFAULT_RUNTIMES or path.is_file()


def _torch(name: str, threads: int | None) -> Runtime:
    try:
        from redmobile.nets.checkpoint import load_model
        from redmobile.nets.model_document import load_model_document
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "the runtime torch") from error
    from redmobile.runtimes.torch_runtime import open_module

    _, document = load_model_document(name)
    return open_module(load_model(name), (document.input.height, document.input.width), threads)
