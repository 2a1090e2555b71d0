"""Weights files: round trip, and each way in which a file can be wrong."""

import pytest

torch = pytest.importorskip("torch", reason="needs the extra 'torch'")

from redmobile.errors import InputError
from redmobile.nets.checkpoint import build_network, load_weights, save_weights, weights_sha256
from redmobile.nets.model_document import load_model_document

_, DEFAULT = load_model_document("red_mobile")


def test_weights_survive_the_file(tmp_path):
    first, second = build_network(DEFAULT), build_network(DEFAULT)
    assert weights_sha256(first) != weights_sha256(second)
    save_weights(tmp_path / "w.safetensors", first.state_dict())
    load_weights(second, tmp_path / "w.safetensors")
    assert weights_sha256(first) == weights_sha256(second)


def test_truncated_file_is_one_clear_line(tmp_path):
    file = tmp_path / "w.safetensors"
    save_weights(file, build_network(DEFAULT).state_dict())
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(InputError, match=r"w\.safetensors: is not a whole safetensors file"):
        load_weights(build_network(DEFAULT), file)


def test_missing_extra_and_misshapen_tensors_are_named(tmp_path):
    state = dict(build_network(DEFAULT).state_dict())
    first, second = list(state)[:2]
    state[second] = torch.zeros(3, 3)
    del state[first]
    save_weights(tmp_path / "w.safetensors", state | {"more": torch.zeros(1)})
    with pytest.raises(InputError) as raised:
        load_weights(build_network(DEFAULT), tmp_path / "w.safetensors")
    assert f"{first} is missing" in str(raised.value)
    assert "more is not expected" in str(raised.value)
    assert f"{second} has shape (3, 3)" in str(raised.value)
