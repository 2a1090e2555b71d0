"""`redmobile export`."""

from __future__ import annotations

from pathlib import Path

import click

from redmobile.cli.console import OUT, json_option, print_json
from redmobile.cli.options import size_option
from redmobile.errors import MissingExtraError


@click.command(
    epilog="""\b
Examples:
  redmobile export red_mobile --out red_mobile.onnx
  redmobile export red_mobile --weights runs/first/weights.safetensors --size 576x1024 --out small.onnx
"""
)
@click.argument("model", default="red_mobile")
@click.option("--weights", type=click.Path(path_type=Path), help="A .safetensors file. Default: the weights beside model.toml.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@size_option
@json_option
def command(model: str, weights: Path | None, out: Path, size: tuple[int, int] | None, as_json: bool) -> None:
    """Write MODEL as ONNX with a static shape, checked against PyTorch in onnxruntime before it is moved into place."""
    try:
        from redmobile.export.torch_to_onnx import OPSET, export_onnx
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile export") from error
    from redmobile.core.artifact import sha256_file

    export_onnx(model, out, weights=weights, size=size)
    if as_json:
        print_json({"onnx": str(out), "sha256": sha256_file(out), "bytes": out.stat().st_size, "opset": OPSET})
    else:
        OUT.print(f"{out}: {out.stat().st_size:,} bytes, opset {OPSET}, agrees with PyTorch in onnxruntime")
