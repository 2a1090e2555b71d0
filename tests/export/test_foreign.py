"""Networks from anybody's code: found, loaded without running pickles, exported and compared."""

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

import safetensors.torch

from redmobile.errors import InputError, UnsupportedModelError, UsageError
from redmobile.export.foreign import export_foreign, load_foreign
from redmobile.runtimes.base import open_runtime

CODE = """
from torch import nn

def build():
    return nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Conv2d(4, 3, 1))

def sized(width):
    return nn.Conv2d(3, width, 1)

def two():
    class Two(nn.Module):
        def forward(self, x):
            return x, x + 1
    return Two()

def text():
    return "no network"
"""


@pytest.fixture(autouse=True)
def code(tmp_path, monkeypatch):
    """A module `theirs` in the working folder."""
    (tmp_path / "theirs.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield
    sys.modules.pop("theirs", None)


@pytest.fixture
def state():
    torch.manual_seed(3)
    return load_foreign("theirs:build").state_dict()


@pytest.mark.slow
def test_it_is_exported_with_its_weights(tmp_path, state):
    safetensors.torch.save_file(state, tmp_path / "w.safetensors")
    out = export_foreign("theirs:build", (1, 3, 8, 10), tmp_path / "theirs.onnx", weights=tmp_path / "w.safetensors")
    network = load_foreign("theirs:build", tmp_path / "w.safetensors")
    picture = np.random.default_rng(0).random((1, 3, 8, 10), np.float32)
    (found,) = open_runtime(out, "onnxruntime").run(picture)
    np.testing.assert_allclose(found, network(torch.from_numpy(picture)).detach().numpy(), atol=1e-5)


@pytest.mark.parametrize("wrap", [lambda s: s, lambda s: {"state_dict": s, "epoch": 3}, lambda s: {f"module.{k}": v for k, v in s.items()}])
def test_checkpoints_of_tensors_are_read(tmp_path, state, wrap):
    torch.save(wrap(state), tmp_path / "w.pt")
    found = load_foreign("theirs:build", tmp_path / "w.pt").state_dict()
    assert all(torch.equal(found[key], value) for key, value in state.items())


class Evil:
    """Runs code when it is unpickled."""

    def __reduce__(self):
        return (print, ("ran",))


def test_a_pickle_that_needs_more_is_refused_unopened(tmp_path, capsys):
    torch.save({"state_dict": {}, "hook": Evil()}, tmp_path / "evil.ckpt")
    with pytest.raises(InputError, match="holds more than tensors"):
        load_foreign("theirs:build", tmp_path / "evil.ckpt")
    assert "ran" not in capsys.readouterr().out


def test_what_does_not_fit_is_named(tmp_path, state):
    del state["0.bias"]
    state["2.weight"] = state["2.weight"][:2]
    safetensors.torch.save_file({key: value.contiguous() for key, value in state.items()}, tmp_path / "w.safetensors")
    with pytest.raises(InputError, match=r"0\.bias is missing; 2\.weight has shape \(2, 4, 1, 1\), expected \(3, 4, 1, 1\)"):
        load_foreign("theirs:build", tmp_path / "w.safetensors")


@pytest.mark.parametrize(
    ("spec", "error", "says"),
    [
        ("nowhere.at.all:build", InputError, "no module named 'nowhere'"),
        ("theirs:absent", InputError, "It has: build, sized, text, two"),
        ("theirs:sized", UsageError, "wants width"),
        ("theirs:text", InputError, "gave str"),
    ],
)
def test_a_factory_that_is_none_is_told(spec, error, says):
    with pytest.raises(error, match=says):
        load_foreign(spec)


@pytest.mark.parametrize("content", [b"", b"PK not a zip"])
def test_a_file_that_is_no_checkpoint_is_told(tmp_path, content):
    (tmp_path / "w.pt").write_bytes(content)
    with pytest.raises(InputError, match=r"w\.pt"):
        load_foreign("theirs:build", tmp_path / "w.pt")


@pytest.mark.slow
def test_several_outputs_are_refused(tmp_path):
    with pytest.raises(UnsupportedModelError, match="gives tuple"):
        export_foreign("theirs:two", (1, 3, 8, 8), tmp_path / "two.onnx")
    assert not (tmp_path / "two.onnx").exists()
