"""Export: what the file holds, and that it computes what PyTorch computes (the export itself refuses otherwise)."""

import numpy as np
import onnx
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.errors import InputError, UsageError
from redmobile.export.torch_to_onnx import export_onnx
from redmobile.nets.checkpoint import load_model
from redmobile.runtimes.base import open_runtime


@pytest.mark.slow
def test_exported_file_says_what_it_is_and_agrees_with_torch(tmp_path):
    file = export_onnx("red_mobile", tmp_path / "net.onnx", size=(64, 128))
    model = onnx.load(file)
    assert model.opset_import[0].version >= 17
    assert [value.name for value in (*model.graph.input, *model.graph.output)] == ["image", "enhanced"]
    facts = {entry.key: entry.value for entry in model.metadata_props}
    assert facts["redmobile.name"] == "red_mobile"
    assert facts["redmobile.input_range"] == "0,1"
    assert len(facts["redmobile.weights_sha256"]) == 64
    picture = np.random.default_rng(1).random((1, 3, 64, 128), np.float32) / 4
    (found,) = open_runtime(file, "onnxruntime").run(picture)
    with torch.no_grad():
        expected = load_model("red_mobile")(torch.from_numpy(picture)).numpy()
    assert np.abs(found - expected).max() < 1e-4


@pytest.mark.slow
def test_two_exports_give_the_same_bytes_and_no_path_of_this_machine(tmp_path):
    first, second = (export_onnx("red_mobile", tmp_path / name, size=(64, 64)).read_bytes() for name in ("a.onnx", "b.onnx"))
    assert first == second
    assert b".py" not in first


def test_size_that_does_not_halve_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(UsageError, match="multiples of 64"):
        export_onnx("red_mobile", tmp_path / "net.onnx", size=(100, 100))
    assert list(tmp_path.iterdir()) == []


def test_missing_weights_are_named(tmp_path):
    with pytest.raises(InputError, match=r"absent\.safetensors: no such file"):
        export_onnx("red_mobile", tmp_path / "net.onnx", weights=tmp_path / "absent.safetensors")
