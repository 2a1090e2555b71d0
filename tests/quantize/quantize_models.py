"""Small float graphs, and the means to run them and what becomes of them."""

import numpy as np

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.quantize.calibrate import to_real
from redmobile.runtimes.litert_tensors import LitertTensors

SAME = {"padding": "SAME", "stride_w": 1, "stride_h": 1, "fused_activation_function": "NONE"}
HEIGHT, WIDTH = 16, 24


def frames(count=3, height=HEIGHT, width=WIDTH, seed=0):
    """Smooth pictures with noise, the first dark."""
    rng = np.random.default_rng(seed)
    made = []
    for index in range(count):
        ramp = np.linspace(0, 1, height)[:, None, None] * np.linspace(0.3, 1, width)[None, :, None] * rng.uniform(0.4, 1, 3)
        picture = (index + 1) / count * ramp + rng.normal(0, 0.03, (height, width, 3))
        made.append(np.clip(picture * 255, 0, 255).astype(np.uint8))
    return made


class Build:
    """Adds operators one by one; the input is `image`, 1×H×W×3."""

    def __init__(self, seed=0, height=HEIGHT, width=WIDTH):
        self.rng = np.random.default_rng(seed)
        self.image = Tensor("image", (1, height, width, 3), "float32")
        self.operators = []

    def op(self, kind, inputs, shape, name=None, outputs=1, **options):
        """One operator; its output, or its outputs if there are several."""
        made = [
            Tensor(
                f"{name or kind.lower()}_{len(self.operators)}_{place}" if outputs > 1 else name or f"{kind.lower()}_{len(self.operators)}",
                tuple(shape),
                "float32",
            )
            for place in range(outputs)
        ]
        self.operators.append(Operator(kind, list(inputs), made, options))
        return made if outputs > 1 else made[0]

    def conv(self, source, channels, kernel=1, name=None, activation="NONE", gain=1.0, stride=1):
        """A convolution with random weights, SAME padding."""
        fan = source.shape[-1] * kernel * kernel
        weights = self.rng.normal(0, gain / np.sqrt(fan), (channels, kernel, kernel, source.shape[-1])).astype(np.float32)
        bias = self.rng.normal(0, 0.1, channels).astype(np.float32)
        shape = (1, -(-source.shape[1] // stride), -(-source.shape[2] // stride), channels)
        options = SAME | {"fused_activation_function": activation, "stride_w": stride, "stride_h": stride}
        return self.op("CONV_2D", [source, Tensor.constant("w", weights), Tensor.constant("b", bias)], shape, name, **options)

    def depthwise(self, source, kernel=3, name=None, activation="NONE"):
        """A depthwise convolution with random weights, SAME padding."""
        channels = source.shape[-1]
        weights = self.rng.normal(0, 1 / kernel, (1, kernel, kernel, channels)).astype(np.float32)
        bias = self.rng.normal(0, 0.1, channels).astype(np.float32)
        options = SAME | {"fused_activation_function": activation, "depth_multiplier": 1}
        return self.op("DEPTHWISE_CONV_2D", [source, Tensor.constant("w", weights), Tensor.constant("b", bias)], source.shape, name, **options)

    def ints(self, *values):
        """A constant of shapes or axes."""
        return Tensor.constant(f"ints_{len(self.operators)}", np.array(values, np.int32))

    def model(self, *outputs):
        """What was built so far, with these outputs."""
        return TfliteModel(self.operators, [self.image], list(outputs))


def scaled_v3(seed, spread=1e-2, blocks=2, width=48):
    """MobileNetV3's blocks with depthwise channels that differ by 1 / `spread` in range, evened out by the projections behind them."""
    build = Build(seed)
    out = build.conv(build.image, 16, 3, activation="RELU6")
    for _ in range(blocks):
        looked = build.depthwise(build.conv(out, width, activation="RELU6"), activation="RELU6")
        factors = np.geomspace(spread, 1, width).astype(np.float32)
        build.rng.shuffle(factors)
        for constant in build.operators[-1].inputs[1:]:
            constant.data *= factors
        projected = build.conv(looked, 16)
        build.operators[-1].inputs[1].data /= factors
        out = build.op("ADD", [out, projected], out.shape)
    return build.model(build.conv(out, 3, 3))


def run_float(model, frame, input_range=(0.0, 1.0)):
    """Outputs of a float model by name."""
    return {name: values.copy() for name, values in LitertTensors(write_tflite(model)).run(to_real(frame, input_range)).items()}


def run_codes(model, frame):
    """Real values of the outputs of a quantized model for a frame in [0, 1], by name."""
    tensor = model.inputs[0]
    levels = np.linspace(0, 1, 256)
    codes = levels.astype(np.float32) if tensor.dtype == "float32" else tensor.quantization.quantize(levels, tensor.dtype)
    found = {name: values.copy() for name, values in LitertTensors(write_tflite(model)).run(codes[frame][None]).items()}
    by_name = {tensor.name: tensor.quantization for tensor in model.outputs}
    return {name: values if by_name[name] is None else by_name[name].dequantize(values) for name, values in found.items()}


def mini_red():
    """RED-mobile's kinds in small: row planes, stride, depthwise, squeeze-and-excite, resize, gain and residual, clamp."""
    build = Build(7)
    blocks = build.op("RESHAPE", [build.image, build.ints(1, 4, 4, 72)], (1, 4, 4, 72), new_shape=[1, 4, 4, 72])
    planes = build.op("SPLIT", [Tensor.constant("axis", np.array(2, np.int32)), blocks], (1, 4, 1, 72), outputs=4, num_splits=4)
    planes = [build.op("RESHAPE", [plane, build.ints(1, 4, 6, 12)], (1, 4, 6, 12), new_shape=[1, 4, 6, 12]) for plane in planes]
    joined = build.op("CONCATENATION", planes, (1, 4, 6, 48), axis=3)
    stem = build.conv(joined, 16, activation="RELU6", name="stem")
    deep = build.depthwise(build.conv(stem, 16, stride=2, activation="RELU6"), activation="RELU6")
    mean = build.op("MEAN", [deep, build.ints(1, 2)], (1, 1, 1, 16), keep_dims=True)
    gate = build.op("LOGISTIC", [build.conv(build.conv(mean, 4, activation="RELU"), 16)], (1, 1, 1, 16))
    deep = build.conv(build.op("MUL", [deep, gate], (1, 2, 3, 16)), 16)
    wide = build.op("RESIZE_BILINEAR", [deep, build.ints(4, 6)], (1, 4, 6, 16), half_pixel_centers=True)
    features = build.op("ADD", [stem, wide], (1, 4, 6, 16), name="skip")
    gain = build.conv(features, 12, name="gain")
    out = []
    for plane in planes:
        lifted = build.op("MUL", [plane, gain], (1, 4, 6, 12))
        out.append(build.op("ADD", [lifted, build.conv(features, 12, gain=0.3)], (1, 4, 6, 12)))
    rows = [build.op("RESHAPE", [plane, build.ints(1, 4, 1, 72)], (1, 4, 1, 72), new_shape=[1, 4, 1, 72]) for plane in out]
    stacked = build.op("CONCATENATION", rows, (1, 4, 4, 72), axis=2)
    whole = build.op("RESHAPE", [stacked, build.ints(1, 16, 24, 3)], (1, 16, 24, 3), new_shape=[1, 16, 24, 3])
    return build.model(build.op("RELU_0_TO_1", [whole], (1, 16, 24, 3), name="enhanced"))
