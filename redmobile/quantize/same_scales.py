"""One network in two forms, RGB and RGBA: the second takes the scales that were found for the first."""

from __future__ import annotations

from redmobile.core.quant_math import Given, Quantization
from redmobile.graph.tflite_model import TfliteModel
from redmobile.quantize.quantize import Report
from redmobile.quantize.ties import roots

_SUFFIXES = ("/laid", "/before")
"""What redmobile.convert.pixels adds to the names of values that get other channels."""


def pin(model: TfliteModel, report: Report) -> None:
    """Let the float `model` have the 8-bit scales of `report`, tensor by tensor; what is pinned already stays, what is tied follows.

    Alpha's zeros would shift percentiles and with them the colours; this way both files give the same colours.
    """
    found = {tensor.name: tensor for tensor in report.tensors}
    for tensor in roots(model):
        same = found.get(_plain(tensor.name))
        if same is not None and tensor.given is None:
            tensor.given = Given(Quantization.per_tensor(same.scale, same.zero_point), "int8", pinned=True)


def _plain(name: str) -> str:
    for suffix in _SUFFIXES:
        name = name.replace(suffix, "")
    return name
