"""What the delegate refuses, seen from the engines themselves: a message, and the runtime goes on; and what it does in an older engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import open_runtime

sys.path.insert(0, str(Path(__file__).parent))
from maker import Maker
from resized import write_resized

_RUN = """
import sys
import numpy as np
{load}
library, file, inputs, outputs, *pairs = sys.argv[1:]
try:
    delegates = [load_delegate(library, dict(pair.split("=") for pair in pairs))]
except ValueError as error:
    print("refused:", " ".join(str(error).split()))
    delegates = []
engine = Interpreter(model_path=file, experimental_delegates=delegates, num_threads=2)
engine.allocate_tensors()
engine.set_tensor(engine.get_input_details()[0]["index"], np.load(inputs))
engine.invoke()
np.save(outputs, engine.get_tensor(engine.get_output_details()[0]["index"]))
del engine
"""
"""A script that knows nothing of redmobile."""

_LITERT = "from ai_edge_litert.interpreter import Interpreter, load_delegate"
_OLDER = "from tflite_runtime.interpreter import Interpreter, load_delegate"


def _run(library: Path, file: Path, array: np.ndarray, folder: Path, *pairs: str, python: str | Path = sys.executable, load: str = _LITERT):
    """Output, stdout and stderr of a process."""
    np.save(folder / "in.npy", array)
    command = [python, "-W", "ignore", "-c", _RUN.format(load=load), library, file, folder / "in.npy", folder / "out.npy", *pairs]
    ended = subprocess.run(list(map(str, command)), capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 0, ended.stderr[-2000:]
    return np.load(folder / "out.npy"), ended.stdout, ended.stderr


def _float_network(folder: Path) -> Path:
    x, w = Tensor("x", (1, 8, 8, 4), "float32"), Tensor.constant("w", np.ones((4, 1, 1, 4), np.float32))
    out = Tensor("y", (1, 8, 8, 4), "float32")
    conv = Operator("CONV_2D", [x, w, Tensor.constant("b", np.zeros(4, np.float32))], [out], {"padding": "SAME", "stride_w": 1, "stride_h": 1})
    path = folder / "float.tflite"
    path.write_bytes(write_tflite(TfliteModel([conv], [x], [out])))
    return path


def test_a_graph_that_it_does_not_know_is_run_by_the_runtime(library, tmp_path):
    array = np.arange(256, dtype=np.float32).reshape(1, 8, 8, 4)
    found, _, complaints = _run(library, _float_network(tmp_path), array, tmp_path)
    np.testing.assert_array_equal(found, array.sum(3, keepdims=True).repeat(4, 3))
    assert "redmobile: none of the 1 operators of this model is one that the kernels run; the runtime goes on without them." in complaints


@pytest.mark.parametrize(
    ("pair", "says"),
    [
        ("colour=red", "redmobile: no option is called 'colour'; known are threads, isa, l2, plan."),
        ("threads=0", "redmobile: threads is a number from 1 to 8, found '0'."),
        ("l2=1G", "redmobile: l2 is a size of at least 4K, such as 512K, found '1G'."),
        ("isa=", "redmobile: isa is auto, scalar, neon, dotprod, i8mm or vnni, and one this processor has"),
    ],
)
def test_an_option_that_is_none_is_refused_and_the_runtime_goes_on(library, tmp_path, pair, says):
    make = Maker(1)
    x = make.tensor((1, 9, 7, 8))
    file = make.write(tmp_path, x, make.conv(x, 16, 3))
    array = np.random.default_rng(1).integers(-128, 128, x.shape, np.int8)
    found, said, _ = _run(library, file, array, tmp_path, pair)
    assert said.startswith("refused:")
    assert says in said
    np.testing.assert_array_equal(found, open_runtime(file).run(array)[0])


@pytest.mark.slow
def test_tflite_runtime_of_2023_with_the_delegate_gives_the_codes_of_xnnpack(library, tmp_path, old_python):
    """Whose own kernels give others: see requant.h."""
    file = write_resized(tmp_path, 192, 320)
    array = np.random.default_rng(1).integers(-128, 128, (1, 192, 320, 3), np.int8)
    found, _, complaints = _run(library, file, array, tmp_path, python=old_python, load=_OLDER)
    assert "redmobile:" not in complaints
    np.testing.assert_array_equal(found, open_runtime(file, "litert").run(array)[0])


@pytest.mark.slow
def test_tflite_runtime_of_2023_goes_on_with_what_the_delegate_does_not_know(library, tmp_path, old_python):
    array = np.arange(256, dtype=np.float32).reshape(1, 8, 8, 4)
    found, _, complaints = _run(library, _float_network(tmp_path), array, tmp_path, python=old_python, load=_OLDER)
    np.testing.assert_array_equal(found, array.sum(3, keepdims=True).repeat(4, 3))
    assert "the runtime goes on without them" in complaints
