"""What happens to a file that may be broken: it is taken, or refused in one line by an error of ours. Anything else ends the process."""

import tempfile
from pathlib import Path

import numpy as np
from fuzz_onnx import mutated_onnx
from fuzz_tflite import mutated_tflite

from redmobile.convert.metadata import read_metadata
from redmobile.errors import RedmobileError
from redmobile.graph.tflite_read import read_tflite
from redmobile.graph.tflite_write import write_tflite
from redmobile.pipeline import convert
from redmobile.runtimes.base import open_runtime


def convert_mutated(number: int) -> str:
    """What `redmobile convert` does with mutated ONNX file `number`: 'converted', or the class of the error."""
    with tempfile.TemporaryDirectory() as folder:
        source, out = Path(folder) / "m.onnx", Path(folder) / "m.tflite"
        source.write_bytes(mutated_onnx(number))

        def work() -> None:
            out.write_bytes(convert(source, "litert_fp32").data)
            runtime = open_runtime(out, threads=1)
            run_once(runtime)

        return verdict(work)


def open_mutated(number: int) -> str:
    """What `redmobile parity` and `bench` do with mutated TFLite file `number`: 'run', or the class of the error."""
    data = mutated_tflite(number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.tflite"
        path.write_bytes(data)

        def work() -> None:
            read_metadata(data, str(path))
            write_tflite(read_tflite(data, str(path)))
            run_once(open_runtime(path, threads=1))

        return verdict(work)


def run_once(runtime) -> None:
    """Ask what XNNPACK took, then run on zeros."""
    runtime.delegate_coverage()
    runtime.run(*(np.zeros(spec.shape, spec.dtype) for spec in runtime.inputs))


def verdict(work) -> str:
    """'converted', or the class of the error that `work` ended with. An error of more than one line is not ours."""
    try:
        work()
    except RedmobileError as error:
        text = str(error)
        if len(text.splitlines()) != 1 or type(error) is RedmobileError or not 2 <= error.exit_code < 64:
            raise AssertionError(f"not one line, or no exit code of its own: {text!r}") from error
        return type(error).__name__
    return "converted"
