"""A PyTorch network as ONNX, by our own exporter, and its weights beside it."""

from __future__ import annotations

from pathlib import Path

import safetensors.torch

from redmobile.bench.peers.drivers.build_module import build
from redmobile.bench.peers.drivers.protocol import Job
from redmobile.export.torch_to_onnx import trace

PACKAGES = ("torch", "onnx", "onnxscript", "timm", "segmentation-models-pytorch")
WEIGHTS = "weights.safetensors"


def convert(job: Job) -> Path:
    """Write network.onnx and weights.safetensors."""
    if job.module is None:
        raise ValueError("There is no PyTorch network to export.")
    network = build(job.module, Path(job.frames))
    safetensors.torch.save_file(network.state_dict(), Path(job.folder) / WEIGHTS)
    file = Path(job.folder) / "network.onnx"
    file.write_bytes(trace(network, (1, 3, *job.size), ["image"], ["enhanced"]).SerializeToString(deterministic=True))
    return file
