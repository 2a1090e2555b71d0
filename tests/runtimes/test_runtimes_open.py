"""Every engine runs the same small networks to the same result; broken files and missing engines are one line of error."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec
from redmobile.errors import DeviceError, InputError, MissingExtraError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.runtimes.base import RUNTIMES, open_runtime
from redmobile.runtimes.tflite_interpreter import load_interpreter

WEIGHTS = np.random.default_rng(3).normal(0, 0.4, (3, 3, 3, 3)).astype(np.float32)
"""OHWI."""


METADATA = {"redmobile": b'{"name": "tiny", "inputs": [{"range": [0.0, 1.0]}]}', "other": b"\xff\xfe"}


def float_model(*, tail="RELU"):
    x, y = Tensor("image", (1, 8, 12, 3), "float32"), Tensor("y", (1, 8, 12, 3), "float32")
    out = Tensor("enhanced", (1, 8, 12, 3), "float32")
    constants = [Tensor.constant("w", WEIGHTS), Tensor.constant("b", np.array([0.1, 0.2, 0.3], np.float32))]
    convolution = Operator("CONV_2D", [x, *constants], [y], {"padding": "SAME", "stride_w": 1, "stride_h": 1})
    extra = [Tensor.constant("axis", np.array(1, np.int32))] if tail == "CUMSUM" else []
    return TfliteModel([convolution, Operator(tail, [y, *extra], [out])], [x], [out], metadata=dict(METADATA))


def int8_model():
    image = Quantization.per_tensor(1 / 255, -128)
    x, y = Tensor("image", (1, 8, 12, 3), "int8", quantization=image), Tensor("enhanced", (1, 8, 12, 3), "int8", quantization=image)
    scale = np.abs(WEIGHTS).max((1, 2, 3)) / 127
    weights = Tensor.constant("w", np.round(WEIGHTS / scale[:, None, None, None]).astype(np.int8), Quantization.per_channel(scale, 0))
    bias = Tensor.constant("b", np.array([900, 1800, 2700], np.int32), Quantization.per_channel(scale / 255, 0))
    return TfliteModel([Operator("CONV_2D", [x, weights, bias], [y], {"padding": "SAME", "stride_w": 1, "stride_h": 1})], [x], [y])


def onnx_model(shape=(1, 3, 8, 12)):
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("image", "enhanced")]
    constants = [
        numpy_helper.from_array(WEIGHTS.transpose(0, 3, 1, 2).copy(), "w"),
        numpy_helper.from_array(np.array([0.1, 0.2, 0.3], np.float32), "b"),
    ]
    nodes = [helper.make_node("Conv", ["image", "w", "b"], ["y"], pads=[1, 1, 1, 1]), helper.make_node("Relu", ["y"], ["enhanced"])]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [values[0]], [values[1]], constants), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    helper.set_model_props(model, {"redmobile.input_range": "0,1"})
    return model


@pytest.fixture
def files(tmp_path):
    (tmp_path / "float.tflite").write_bytes(write_tflite(float_model()))
    (tmp_path / "int8.tflite").write_bytes(write_tflite(int8_model()))
    onnx.save(onnx_model(), tmp_path / "float.onnx")
    return tmp_path


def image(seed=0):
    return np.random.default_rng(seed).random((1, 8, 12, 3), np.float32)


def test_default_engines_agree(files):
    litert, onnxruntime = open_runtime(files / "float.tflite"), open_runtime(files / "float.onnx", threads=1)
    assert litert.name.startswith("litert ")
    assert onnxruntime.name.startswith("onnxruntime ")
    assert str(litert.inputs[0]) == "image: 1×8×12×3 float32 NHWC"
    assert str(onnxruntime.outputs[0]) == "enhanced: 1×3×8×12 float32 NCHW"
    assert onnxruntime.metadata == {"redmobile.input_range": "0,1"}
    assert litert.metadata == {"redmobile.input_range": "0,1", "redmobile.name": "tiny"}
    (found,) = litert.run(image())
    (expected,) = onnxruntime.run(image().transpose(0, 3, 1, 2).copy())
    np.testing.assert_allclose(found.transpose(0, 3, 1, 2), expected, atol=1e-5)


@pytest.mark.slow
def test_tensorflow_agrees(files):
    pytest.importorskip("tensorflow", reason="the second opinion is not installed")
    for name in ("float.tflite", "int8.tflite"):
        ours, theirs = open_runtime(files / name), open_runtime(files / name, "tensorflow", threads=2)
        x = image() if name.startswith("float") else (image() * 255 - 128).astype(np.int8)
        np.testing.assert_allclose(ours.run(x)[0], theirs.run(x)[0], atol=1e-5)
        assert theirs.delegate_coverage().partitions == 1


def test_torch_runs_a_module(files):
    torch = pytest.importorskip("torch", reason="the extra torch is not installed")
    from redmobile.runtimes.torch_runtime import TorchRuntime, open_module

    layer = torch.nn.Conv2d(3, 3, 3, padding=1)
    with torch.no_grad():
        layer.weight.copy_(torch.from_numpy(WEIGHTS.transpose(0, 3, 1, 2).copy()))
        layer.bias.copy_(torch.tensor([0.1, 0.2, 0.3]))
    threads = torch.get_num_threads()
    runtime = open_module(torch.nn.Sequential(layer, torch.nn.ReLU()), (8, 12), threads=1)
    assert torch.get_num_threads() == threads
    x = image().transpose(0, 3, 1, 2).copy()
    np.testing.assert_allclose(runtime.run(x)[0], open_runtime(files / "float.onnx").run(x)[0], atol=1e-5)
    assert str(runtime.outputs[0]) == "output: 1×3×8×12 float32 NCHW"
    two = TorchRuntime(_Two(), TensorSpec("image", (1, 3, 4, 4), "float32", "NCHW"))
    assert [spec.name for spec in two.outputs] == ["output_0", "output_1"]


class _Two:
    """A stand-in module with two outputs."""

    def eval(self):
        return self

    def __call__(self, x):
        return x, x + 1


def test_quantization_reaches_the_spec(files):
    spec = open_runtime(files / "int8.tflite").inputs[0]
    assert spec.dtype == "int8"
    assert spec.quantization == Quantization.per_tensor(1 / 255, -128)


def test_results_belong_to_the_caller(files):
    for name in ("float.tflite", "float.onnx"):
        runtime = open_runtime(files / name)
        shape = runtime.inputs[0].shape
        (first,) = runtime.run(np.zeros(shape, np.float32))
        before = first.copy()
        runtime.run(np.ones(shape, np.float32))
        np.testing.assert_array_equal(first, before)


def test_coverage(files):
    coverage = open_runtime(files / "float.tflite").delegate_coverage()
    assert (coverage.partitions, dict(coverage.taken), dict(coverage.left)) == (1, {"CONV_2D": 1, "RELU": 1}, {})
    (files / "cut.tflite").write_bytes(write_tflite(float_model(tail="CUMSUM")))
    coverage = open_runtime(files / "cut.tflite").delegate_coverage()
    assert (coverage.partitions, dict(coverage.left)) == (1, {"CUMSUM": 1})
    assert str(coverage) == "1 XNNPACK partition, 1 operator in, outside: 1 CUMSUM"


def test_wrong_arrays_are_refused(files):
    for name in ("float.tflite", "float.onnx"):
        runtime = open_runtime(files / name)
        shape = runtime.inputs[0].shape
        with pytest.raises(UsageError, match="2 were given"):
            runtime.run(np.zeros(shape, np.float32), np.zeros(shape, np.float32))
        with pytest.raises(UsageError, match="float64"):
            runtime.run(np.zeros(shape))
        with pytest.raises(UsageError, match="1×2"):
            runtime.run(np.zeros((1, 2), np.float32))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"inputs": []}', b'{"inputs": [{"range": [0, "x"]}]}', b"\xff"])
def test_broken_metadata_is_an_input_error(files, content):
    model = float_model()
    model.metadata["redmobile"] = content
    (files / "float.tflite").write_bytes(write_tflite(model))
    with pytest.raises(InputError, match="metadata entry 'redmobile'"):
        open_runtime(files / "float.tflite")


def test_resize_input(files):
    runtime = open_runtime(files / "float.tflite")
    runtime.resize_input((1, 16, 20, 3))
    assert runtime.outputs[0].shape == (1, 16, 20, 3)
    assert runtime.run(np.zeros((1, 16, 20, 3), np.float32))[0].shape == (1, 16, 20, 3)
    with pytest.raises(UnsupportedModelError, match="cannot be brought"):
        runtime.resize_input((1, 16, 20, 4))


def test_what_cannot_be_opened(files):
    (files / "model.pb").write_bytes(b"x")
    with pytest.raises(UsageError, match=r"\.tflite or \.onnx"):
        open_runtime(files / "model.pb")
    with pytest.raises(UsageError, match=r"Unknown runtime 'tensorrt'\. Known: litert, onnxruntime, .*tensorflow, tflite, torch"):
        open_runtime(files / "float.onnx", "tensorrt")
    with pytest.raises(UsageError, match="at least 1"):
        open_runtime(files / "float.onnx", threads=0)
    with pytest.raises(UsageError, match="by name or folder"):
        open_runtime(files / "float.onnx", "torch")
    with pytest.raises(InputError, match="no such file"):
        open_runtime(files / "none.onnx")
    (files / "folder.onnx").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        open_runtime(files / "folder.onnx")
    onnx.save(onnx_model(("batch", 3, 8, 12)), files / "dynamic.onnx")
    with pytest.raises(UnsupportedModelError, match="dynamic shape batch×3×8×12"):
        open_runtime(files / "dynamic.onnx")
    with pytest.raises(InputError, match="not a TFLite file"):
        open_runtime(files / "float.onnx", "litert")
    with pytest.raises(InputError, match="cannot load"):
        open_runtime(files / "float.tflite", "onnxruntime")


def test_names_need_no_engine():
    engines = ("torch", "tensorflow", "onnxruntime")
    code = f"import sys; from redmobile.runtimes.base import RUNTIMES; RUNTIMES.names(); print([name for name in {engines} if name in sys.modules])"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    assert [name for name in RUNTIMES.names() if not name.startswith("qemu:")] == ["litert", "onnxruntime", "tensorflow", "tflite", "torch"]


@pytest.mark.parametrize(
    ("engine", "module", "error", "says"),
    [
        ("litert", "ai_edge_litert.interpreter", DeviceError, "pip install ai-edge-litert"),
        ("onnxruntime", "onnxruntime", DeviceError, "pip install onnxruntime"),
        ("tflite", "tflite_runtime", DeviceError, r"numpy<2"),
        ("tensorflow", "tensorflow", MissingExtraError, r"redmobile\[tensorflow\]"),
    ],
)
def test_missing_engine_says_how_to_get_it(files, monkeypatch, *, engine, module, error, says):
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(error, match=says):
        open_runtime(files / "float.tflite", engine)


@pytest.mark.parametrize("name", ["float.tflite", "int8.tflite", "float.onnx"])
def test_truncation_anywhere_is_an_input_error_and_no_crash(files, name):
    """In a process of its own: a crash would take the whole test run along."""
    code = f"""
import pathlib
from redmobile.errors import RedmobileError, InputError
from redmobile.runtimes.base import open_runtime
data = pathlib.Path({str(files / name)!r}).read_bytes()
path = pathlib.Path({str(files / ("cut" + name))!r})
for size in [*range(0, 80, 5), *range(80, len(data), max(1, len(data) // 150))]:
    path.write_bytes(data[:size])
    try:
        open_runtime(path, threads=1)
        print("opened", size, len(data))
    except InputError as error:
        assert str(path) in str(error) and "\\n" not in str(error), error
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == ""


@pytest.mark.parametrize("name", ["float.tflite", "int8.tflite", "float.onnx"])
def test_opening_writes_nothing_to_stderr(files, name):
    code = f"import pathlib; from redmobile.runtimes.base import open_runtime; open_runtime(pathlib.Path({str(files / name)!r}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == ("", "")


def test_xnnpack_that_is_not_applied_is_an_error(files):
    from ai_edge_litert.interpreter import Interpreter, OpResolverType

    def without_delegate(content):
        return Interpreter(model_content=content, experimental_op_resolver_type=OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES)

    with pytest.raises(DeviceError, match="did not apply XNNPACK to CONV_2D"):
        load_interpreter("slow 1.0", files / "float.tflite", without_delegate)
