"""INT8 files run in LiteRT, in TensorFlow Lite and in tflite-runtime 2.14, each in an environment of its own, with the same codes to within two."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.data.calibration import load_calibration
from redmobile.pipeline import convert
from redmobile.runtimes.base import open_runtime

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
CODES = 2
"""Largest difference: kernels of other releases round at other places."""

DEEP_CODES, DEEP_MEAN_CODES = 16, 1.5
"""The same for RED-mobile in tflite-runtime, which runs INT8 on kernels of its own instead of XNNPACK, as LiteRT does without a delegate: the
codes are those of LiteRT's own kernels. By single operators, each given the same inputs: the rounding in two steps of theirs turns 0.1 to
0.4 % of a convolution's codes by one, 3 % of a MUL's, and ties 3 % of a RESIZE_BILINEAR's. One turned code in the gain is up to 8 codes of a
bright pixel, and what is turned early is rounded anew 60 times: two runs that differ anywhere differ by 0.6 to 1 code on average. Means
were off by up to half a code on every channel; quantize/whole_means.py has mended that, in files converted since."""

RUN = """
import sys
import numpy as np
{load}
engine = Interpreter(model_path=sys.argv[1])
engine.allocate_tensors()
for detail, name in zip(engine.get_input_details(), np.load(sys.argv[2])):
    engine.set_tensor(detail["index"], np.load(sys.argv[2])[name])
engine.invoke()
np.savez(sys.argv[3], *[engine.get_tensor(detail["index"]) for detail in engine.get_output_details()])
"""
"""A script that knows nothing of redmobile: file, inputs.npz, outputs.npz."""


class _Net:
    """A network on a 1×3×32×48 image, while it grows."""

    def __init__(self):
        self.nodes, self.constants = [], []
        self._random = np.random.default_rng(7)

    def weights(self, *shape):
        """As networks begin their training: what goes through keeps its size."""
        scale = np.sqrt(2 / max(np.prod(shape[1:]), 1)) if len(shape) > 1 else 0.1
        return self.constant(self._random.normal(0, scale, shape).astype(np.float32))

    def constant(self, values):
        self.constants.append(numpy_helper.from_array(np.asarray(values), f"c{len(self.constants)}"))
        return self.constants[-1].name

    def add(self, op, *inputs, **attributes):
        self.nodes.append(helper.make_node(op, list(inputs), [f"v{len(self.nodes)}"], **attributes))
        return self.nodes[-1].output[0]

    def save(self, output, path):
        image = helper.make_tensor_value_info("image", TensorProto.FLOAT, (1, 3, 32, 48))
        graph = helper.make_graph(self.nodes, "net", [image], [helper.make_empty_tensor_value_info(output)], self.constants)
        made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
        onnx.save(onnx.shape_inference.infer_shapes(made), path)


def mobile(net):
    """Inverted residuals with hard-swish and squeeze-and-excite, as in MobileNetV3."""
    x = net.add("HardSwish", net.add("Conv", "image", net.weights(8, 3, 3, 3), net.weights(8), strides=[2, 2], pads=[1, 1, 1, 1]))
    y = net.add("Relu", net.add("Conv", x, net.weights(8, 1, 3, 3), net.weights(8), group=8, pads=[1, 1, 1, 1]))
    gate = net.add("Relu", net.add("Conv", net.add("GlobalAveragePool", y), net.weights(4, 8, 1, 1), net.weights(4)))
    gate = net.add("HardSigmoid", net.add("Conv", gate, net.weights(8, 4, 1, 1), net.weights(8)), alpha=1 / 6, beta=0.5)
    x = net.add("Add", x, net.add("Conv", net.add("Mul", y, gate), net.weights(8, 8, 1, 1)))
    x = net.add("Flatten", net.add("GlobalAveragePool", x))
    return net.add("Gemm", x, net.weights(10, 8), net.weights(10), transB=1)


def u_shaped(net):
    """Down by pooling, up by bilinear interpolation and a transposed convolution, joined on the way."""
    a = net.add("Relu", net.add("Conv", "image", net.weights(8, 3, 3, 3), net.weights(8), pads=[1, 1, 1, 1]))
    b = net.add("Relu", net.add("Conv", net.add("MaxPool", a, kernel_shape=[2, 2], strides=[2, 2]), net.weights(12, 8, 3, 3), pads=[1, 1, 1, 1]))
    c = net.add("LeakyRelu", net.add("Conv", net.add("AveragePool", b, kernel_shape=[2, 2], strides=[2, 2]), net.weights(16, 12, 1, 1)), alpha=0.1)
    scale = net.constant(np.array([1, 1, 2, 2], np.float32))
    up = net.add("Concat", net.add("Resize", c, "", scale, mode="linear"), b, axis=1)
    up = net.add("ConvTranspose", net.add("Conv", up, net.weights(12, 28, 1, 1)), net.weights(12, 8, 2, 2), strides=[2, 2])
    return net.add("Sigmoid", net.add("Conv", net.add("Add", up, a), net.weights(3, 8, 3, 3), net.weights(3), pads=[1, 1, 1, 1]))


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """The file that is shipped, and two networks of other families, quantized here."""
    folder = tmp_path_factory.mktemp("int8")
    frames = list(np.random.default_rng(1).integers(0, 256, (4, 32, 48, 3), dtype=np.uint8))
    made = {"red_mobile": ROOT / "models" / "red_mobile" / "red_mobile_int8.tflite"}
    for build in (mobile, u_shaped):
        net, onnx_file = _Net(), folder / f"{build.__name__}.onnx"
        net.save(build(net), onnx_file)
        made[build.__name__] = folder / f"{build.__name__}.tflite"
        made[build.__name__].write_bytes(convert(onnx_file, "litert_int8", frames).data)
    return made


def codes(path, seed=3):
    """Random int8 inputs for the file at `path`."""
    rng = np.random.default_rng(seed)
    return [rng.integers(-128, 128, spec.shape).astype(spec.dtype) for spec in open_runtime(path).inputs]


def run_elsewhere(python, load, path, arrays, folder):
    """The outputs of a process of another interpreter. load: the line that imports its Interpreter."""
    np.savez(folder / "inputs.npz", *arrays)
    command = [python, "-W", "ignore", "-c", RUN.format(load=load), path, folder / "inputs.npz", folder / "outputs.npz"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=300)
    assert ended.returncode == 0, ended.stderr[-2000:]
    with np.load(folder / "outputs.npz") as outputs:
        return [outputs[name] for name in outputs.files]


def assert_same_codes(found, expected, most=CODES):
    assert len(found) == len(expected)
    for theirs, ours in zip(found, expected, strict=True):
        assert theirs.dtype == ours.dtype == np.int8
        assert np.abs(theirs.astype(int) - ours).max() <= most
        assert len(np.unique(ours)) > 2  # not all clamped: it would agree by itself


@pytest.mark.parametrize("name", ["red_mobile", "mobile", "u_shaped"])
def test_tensorflow_gives_the_same_codes(files, name, tmp_path):
    pytest.importorskip("tensorflow", reason="the second opinion is not installed")
    arrays = codes(files[name])
    found = run_elsewhere(sys.executable, "import tensorflow as tf; Interpreter = tf.lite.Interpreter", files[name], arrays, tmp_path)
    assert_same_codes(found, open_runtime(files[name]).run(*arrays))


@pytest.mark.parametrize("name", ["mobile", "u_shaped"])
def test_tflite_runtime_of_2023_gives_the_same_codes(files, name, old_python, tmp_path):
    arrays = codes(files[name])
    found = run_elsewhere(old_python, "from tflite_runtime.interpreter import Interpreter", files[name], arrays, tmp_path)
    assert_same_codes(found, open_runtime(files[name]).run(*arrays))


def test_tflite_runtime_of_2023_runs_red_mobile(files, old_python, tmp_path):
    photo = load_calibration(ROOT / "models" / "red_mobile" / "demo", 1088, 1920, 1).frames[0]
    arrays = [(photo ^ 0x80).view(np.int8)[None]]
    found = run_elsewhere(old_python, "from tflite_runtime.interpreter import Interpreter", files["red_mobile"], arrays, tmp_path)
    (ours,) = open_runtime(files["red_mobile"]).run(*arrays)
    assert_same_codes(found, [ours], DEEP_CODES)
    assert np.abs(found[0].astype(int) - ours).mean() <= DEEP_MEAN_CODES
