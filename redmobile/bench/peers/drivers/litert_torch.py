"""litert-torch for the float graph, ai-edge-quantizer for INT8, each as its own documentation shows."""

from __future__ import annotations

from pathlib import Path

import litert_torch
import numpy as np
import torch
from ai_edge_quantizer import quantizer, recipe
from torch import nn

from redmobile.bench.peers.drivers.build_module import build
from redmobile.bench.peers.drivers.protocol import Job

PACKAGES = ("litert-torch", "ai-edge-quantizer", "litert-converter", "ai-edge-litert", "torch")

_IMAGE_RANK = 4


def convert(job: Job) -> Path:
    """Write float.tflite, and from it int8.tflite: static, 8 bits for weights and activations, calibrated with the job's frames."""
    if job.module is None:
        raise ValueError("There is no PyTorch network to convert.")
    network = build(job.module, Path(job.frames))
    picture = torch.zeros(1, 3, *job.size)
    # Pictures as a phone has them, channels last; without it every file of this converter would begin and end with a transpose.
    channels_last = litert_torch.to_channel_last_io(network, args=[0], outputs=_images(network, picture))
    converted = litert_torch.convert(channels_last.eval(), (picture.permute(0, 2, 3, 1).contiguous(),))
    floats = Path(job.folder) / "float.tflite"
    converted.export(str(floats))
    return floats if job.precision == "fp32" else _quantized(floats, np.load(job.frames))


def _images(network: nn.Module, picture: torch.Tensor) -> list[int]:
    """Which outputs have channels to be put last."""
    with torch.no_grad():
        outputs = network(picture)
    several = outputs if isinstance(outputs, list | tuple) else (outputs,)
    return [index for index, output in enumerate(several) if output.ndim == _IMAGE_RANK]


def _quantized(floats: Path, frames: np.ndarray) -> Path:
    work = quantizer.Quantizer(str(floats), recipe.static_wi8_ai8())
    ranges = work.calibrate({"serving_default": [{"args_0": frame[None]} for frame in frames]})
    file = floats.with_name("int8.tflite")
    work.quantize(ranges).export_model(str(file))
    return file
