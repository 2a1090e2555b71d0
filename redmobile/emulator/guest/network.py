"""Runs inside the emulated system, under its Python: loads a .tflite with one of the engines and answers over standard input and output.

It says one line of JSON when it is ready, {"inputs": […], "outputs": […]}, or {"error": …}. Then, for each line
{"run": true} followed by the bytes of every input, it says {"done": true} followed by the bytes of every output, or {"error": …}. An error
comes with a kind, the name of its class in redmobile.errors.
Each run is marked for the plug-in that counts (see plugin/count.c). It imports nothing of redmobile: another Python runs it.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import sys
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

MARK = 0x52454400


def mark(step: int) -> None:
    """Tell the plug-in that a region begins (0) or ends (1): a call that fails everywhere and does nothing."""
    with contextlib.suppress(OSError):
        os.close(MARK + step)


def describe(detail: dict[str, Any]) -> dict[str, Any]:
    """An input or output as JSON's types."""
    parameters = detail["quantization_parameters"]
    return {
        "name": detail["name"],
        "shape": [int(size) for size in detail["shape"]],
        "dtype": np.dtype(detail["dtype"]).name,
        "scales": [float(scale) for scale in parameters["scales"]],
        "zero_points": [int(point) for point in parameters["zero_points"]],
        "axis": int(parameters["quantized_dimension"]),
    }


def say(out: IO[bytes], **values: Any) -> None:
    """One line of JSON."""
    out.write(json.dumps(values).encode() + b"\n")
    out.flush()


def read_array(source: IO[bytes], detail: dict[str, Any]) -> NDArray[Any]:
    """The bytes of one input as an array."""
    dtype = np.dtype(detail["dtype"])
    size = int(np.prod(detail["shape"], dtype=np.int64)) * dtype.itemsize
    return np.frombuffer(source.read(size), dtype).reshape(detail["shape"])


def run(interpreter: Any, source: IO[bytes], out: IO[bytes]) -> None:
    """One set of inputs."""
    for detail in interpreter.get_input_details():
        interpreter.set_tensor(detail["index"], read_array(source, detail))
    mark(0)
    try:
        interpreter.invoke()
    except (RuntimeError, ValueError) as error:
        mark(1)
        say(out, error=str(error), kind="DeviceError")
        return
    mark(1)
    say(out, done=True)
    for detail in interpreter.get_output_details():
        out.write(interpreter.get_tensor(detail["index"]).tobytes())
    out.flush()


def load(module: Any, path: str, threads: int, delegate: str, options: dict[str, str]) -> Any:
    """The interpreter, with the delegate of that library unless its name is empty. LookupError: it would take no operator."""
    if not delegate:
        return module.Interpreter(model_path=path, num_threads=threads)
    without = module.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    alone = module.Interpreter(
        model_path=path, experimental_delegates=[module.load_delegate(delegate, options)], experimental_op_resolver_type=without
    )
    if not any(operator["op_name"] == "DELEGATE" for operator in alone._get_ops_details()):  # noqa: SLF001 - the only way to ask
        raise LookupError("it takes none of the operators")
    return module.Interpreter(model_path=path, num_threads=threads, experimental_delegates=[module.load_delegate(delegate, options)])


def serve(package: str, path: str, threads: int, delegate: str, options: dict[str, str], source: IO[bytes], out: IO[bytes]) -> None:
    """Load the file and answer until the other side is gone."""
    module = importlib.import_module(f"{package}.interpreter")
    try:
        interpreter = load(module, path, threads, delegate, options)
        interpreter.allocate_tensors()
    except LookupError as error:
        say(out, error=str(error), kind="UnsupportedModelError")
        return
    except (RuntimeError, ValueError, OSError) as error:
        say(out, error=str(error), kind="DeviceError" if delegate else "InputError")
        return
    inputs, outputs = interpreter.get_input_details(), interpreter.get_output_details()
    say(out, inputs=[describe(one) for one in inputs], outputs=[describe(one) for one in outputs])
    while source.readline():
        run(interpreter, source, out)


if __name__ == "__main__":
    serve(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], json.loads(sys.argv[5]), sys.stdin.buffer, sys.stdout.buffer)
