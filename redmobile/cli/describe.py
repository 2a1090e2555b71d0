"""`redmobile describe`."""

from __future__ import annotations

import dataclasses

import click

from redmobile.cli.console import OUT, json_option, print_json, table
from redmobile.cli.options import size_option
from redmobile.errors import MissingExtraError


@click.command(
    epilog="""\b
Examples:
  redmobile describe red_mobile
  redmobile describe red_mobile --size 2160x3840 --json
"""
)
@click.argument("model", default="red_mobile")
@size_option
@json_option
def command(model: str, size: tuple[int, int] | None, as_json: bool) -> None:
    """Print MODEL's convolutions: shapes, parameters, multiply-accumulates (MAC) and INT8 activation bytes at one picture."""
    try:
        from redmobile.nets.checkpoint import build_network
        from redmobile.nets.describe import describe_network
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile describe") from error
    from redmobile.nets.model_document import load_model_document

    _, document = load_model_document(model)
    height, width = document.checked_size(size)
    layers = describe_network(build_network(document), height, width)
    totals = {key: sum(getattr(layer, key) for layer in layers) for key in ("parameters", "macs", "output_bytes")}
    if as_json:
        print_json({"model": model, "height": height, "width": width, **totals, "layers": [dataclasses.asdict(layer) for layer in layers]})
        return
    shown = table(f"{model} at {height}×{width}", "layer", "kind", ">output (C, H, W)", ">parameters", ">MMAC", ">MB out (INT8)")
    for layer in layers:
        shape = "×".join(map(str, layer.shape))
        shown.add_row(layer.name, layer.kind, shape, f"{layer.parameters:,}", f"{layer.macs / 1e6:.2f}", f"{layer.output_bytes / 1e6:.3f}")
    shown.add_section()
    shown.add_row("all", "", "", f"{totals['parameters']:,}", f"{totals['macs'] / 1e6:.2f}", f"{totals['output_bytes'] / 1e6:.3f}")
    OUT.print(shown)
