"""`redmobile export`."""

from __future__ import annotations

from pathlib import Path

import click

from redmobile.cli.console import OUT, json_option, print_json
from redmobile.cli.options import size_option
from redmobile.errors import MissingExtraError, UsageError


@click.command(
    epilog="""\b
Examples:
  redmobile export red_mobile --out red_mobile.onnx
  redmobile export red_mobile --weights runs/first/weights.safetensors --size 576x1024 --out small.onnx
  redmobile export red_mobile --size 2176x3840 --body 2 --out red_mobile_4k.onnx
  redmobile export mynets.denoise:build --weights denoise.pt --shape 1,3,1080,1920 --out denoise.onnx
"""
)
@click.argument("model", default="red_mobile")
@click.option(
    "--weights", type=click.Path(path_type=Path), help="A .safetensors file (of a factory also .pt, .ckpt). Default: those beside model.toml."
)
@click.option("--int8-weights", type=click.Path(path_type=Path), help="What quantization-aware training made of them: the file advises quantizers.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="The .onnx file to write.")
@size_option
@click.option("--body", type=click.IntRange(1, 2), default=1, show_default=True, help="2: the body works at half the size, for 4K.")
@click.option("--shape", metavar="N,C,H,W", help="Shape of the input of package.module:factory.")
@json_option
def command(
    model: str, weights: Path | None, int8_weights: Path | None, out: Path, size: tuple[int, int] | None, body: int, shape: str | None, as_json: bool
) -> None:
    """Write MODEL as ONNX with a static shape, checked against PyTorch in onnxruntime before it is moved into place.

    MODEL is on the shelf, a folder with a model.toml, or package.module:factory: a function without arguments that gives a torch.nn.Module.
    """
    try:
        from redmobile.export.foreign import export_foreign
        from redmobile.export.torch_to_onnx import OPSET, export_onnx
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile export") from error
    from redmobile.core.artifact import sha256_file

    if ":" in model:
        if int8_weights:
            raise UsageError("--int8-weights goes with models of redmobile's own blocks, which know where INT8 rounds; a factory's do not.")
        export_foreign(model, _shape(shape), out, weights=weights)
    else:
        export_onnx(model, out, weights=weights, int8_weights=int8_weights, size=size, body=body)
    if as_json:
        print_json({"onnx": str(out), "sha256": sha256_file(out), "bytes": out.stat().st_size, "opset": OPSET})
    else:
        OUT.print(f"{out}: {out.stat().st_size:,} bytes, opset {OPSET}, agrees with PyTorch in onnxruntime")


def _shape(text: str | None) -> tuple[int, ...]:
    sizes = text.split(",") if text else []
    if not sizes or not all(size.strip().isdecimal() and int(size) > 0 for size in sizes):
        raise UsageError(f"A factory needs --shape N,C,H,W, e.g. --shape 1,3,1080,1920; found {text or 'none'}.")
    return tuple(map(int, sizes))
