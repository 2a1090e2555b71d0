"""RED-detail: begins as the identity, keeps its budget, learns in whitened coordinates, and is a plain graph in the end."""

import msgspec
import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from torch.nn import functional

from redmobile.convert.onnx_to_tflite import convert
from redmobile.core.converter import load_converter
from redmobile.export.torch_to_onnx import export_network
from redmobile.graph.onnx_graph import load_onnx
from redmobile.nets.blocks.whitened import MIDDLE, Centred, Whitened, whiten
from redmobile.nets.checkpoint import build_network, float_state, load_weights, save_weights
from redmobile.nets.describe import describe_network
from redmobile.nets.model_document import DetailLayers, load_model_document

_, SHIPPED = load_model_document("red_detail_deblur")
CONFIGURATIONS = [DetailLayers(), DetailLayers(width=6, depth=1, patch=4, stem_kernel=1, tail_kernel=3), DetailLayers(depth=3, stem_kernel=5)]


def network_of(layers=None, seed=0):
    torch.manual_seed(seed)
    return build_network(msgspec.structs.replace(SHIPPED, layers=layers or DetailLayers()))


def pictures(count=8, size=32, seed=1):
    """Smooth, as pictures are: neighbours agree."""
    noise = torch.rand(count, 3, size // 4, size // 4, generator=torch.Generator().manual_seed(seed))
    return functional.interpolate(noise, scale_factor=4, mode="bicubic").clamp(0, 1)


@pytest.mark.parametrize("layers", CONFIGURATIONS)
def test_begins_as_the_identity_and_every_parameter_learns(layers):
    network = network_of(layers)
    whiten(network, [pictures()])
    x = pictures(2)
    torch.testing.assert_close(network(x), x)
    for residual in network.residual:
        torch.nn.init.normal_(residual.convolution.weight)
    network.unclipped(x).square().mean().backward()
    assert [layer for layer in network.modules() if hasattr(layer, "convolution") and layer.convolution.weight.grad is None] == []


def test_the_budget():
    layers = describe_network(network_of(), 1080, 1920)
    assert [layer.kind for layer in layers] == ["3×3"] * 3 + ["1×1"] * 2
    assert sum(layer.parameters for layer in layers) == 2148
    assert sum(layer.macs for layer in layers) <= 1.1e9
    assert SHIPPED.size_multiple == 2


def test_what_a_whitened_layer_sees_is_white():
    layer = Whitened(3, 4, 3)
    x = pictures(24, 48)
    whiten(layer, [x[:12], x[12:]])
    seen = functional.unfold(x, 3).transpose(0, 1).flatten(1)
    white = layer.whitening @ (seen - layer.mean[:, None])
    variances = torch.linalg.eigvalsh(torch.cov(white))
    assert float(white.mean(1).abs().max()) < 0.02
    assert float(variances.max()) == pytest.approx(1, abs=0.02)
    smallest = torch.linalg.eigvalsh(torch.cov(seen))[0]
    assert float(smallest) < 1e-3  # without whitening this direction would learn a thousand times as slowly as the first
    assert float(variances.median()) > 0.5


def test_whitening_is_measured_once():
    network = network_of()
    whiten(network, [pictures()])
    before = network.stem.whitening.clone()
    whiten(network, [pictures(seed=5)])
    assert torch.equal(network.stem.whitening, before)


def test_a_centred_layer_is_a_convolution_with_another_bias():
    layer = Centred(4, 5, 3)
    torch.nn.init.normal_(layer.bias)
    x = torch.rand(1, 4, 8, 8)
    inner = functional.conv2d(x - MIDDLE, layer.convolution.weight, layer.bias)
    torch.testing.assert_close(layer(x)[..., 1:-1, 1:-1], inner, rtol=1e-4, atol=1e-5)


def test_the_coordinates_travel_with_the_weights(tmp_path):
    first, second = network_of(), network_of(seed=1)
    whiten(first, [pictures()])
    torch.nn.init.normal_(first.residual[0].convolution.weight)
    save_weights(tmp_path / "weights.safetensors", float_state(first))
    load_weights(second, tmp_path / "weights.safetensors")
    x = pictures(2)
    assert torch.equal(first(x), second(x))


def test_it_learns_to_sharpen_in_two_hundred_steps():
    """And learns less in the same steps without whitening."""

    def gain(whitened):
        network, clean = network_of(), torch.rand(16, 3, 32, 32, generator=torch.Generator().manual_seed(3))
        clean = functional.avg_pool2d(functional.pad(clean, (1, 1, 1, 1), mode="reflect"), 3, 1)
        kernel = torch.tensor([1.0, 4, 6, 4, 1]) / 16
        kernel = (kernel[:, None] * kernel).expand(3, 1, 5, 5)
        blurred = functional.conv2d(functional.pad(clean, (2, 2, 2, 2), mode="reflect"), kernel, groups=3)
        if whitened:
            whiten(network, [blurred])
        optimizer = torch.optim.AdamW(network.parameters(), 2e-3)
        for _ in range(200):
            loss = (network.unclipped(blurred) - clean).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            return 10 * np.log10(float((blurred - clean).square().mean() / (network(blurred) - clean).square().mean()))

    assert gain(whitened=True) > 1.0 + max(gain(whitened=False), 0.0)


def test_the_converted_graph_holds_weights_alone(tmp_path):
    network = network_of().eval()
    whiten(network, [pictures()])
    torch.nn.init.normal_(network.residual[0].convolution.weight, std=0.02)
    onnx = export_network(network, SHIPPED, "detail", tmp_path / "detail.onnx", size=(32, 48))
    kinds = [operator.kind for operator in convert(load_onnx(onnx), "litert_int8", load_converter("litert_int8")).operators]
    assert kinds.count("CONV_2D") == 5
    assert set(kinds) <= {"CONV_2D", "ADD", "CONCATENATION", "SPLIT", "RESHAPE", "RELU_0_TO_1"}
