"""redmobile: from a PyTorch image-enhancement network to a verified INT8 .tflite that runs 1080p at 30 frames a second on ARM.

The public face. Each name is loaded when it is first used (PEP 562): `import redmobile` imports nothing but this file.

    import redmobile
    from pathlib import Path

    redmobile.build("red_mobile", "litert_int8", out=Path("out"))
    model = redmobile.ImageModel(redmobile.open_runtime(Path("out/red_mobile_int8.tflite")))
    picture = redmobile.read_image(Path("dark.jpg"))
    redmobile.write_image(Path("bright.jpg"), picture.with_frame(model.enhance(picture.frame)))
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from redmobile.bench.runner import bench as run_benchmark
    from redmobile.data.frames import read_image, write_image
    from redmobile.enhance.image_model import ImageModel
    from redmobile.errors import RedmobileError
    from redmobile.export.torch_to_onnx import export_onnx
    from redmobile.parity.check import check_parity
    from redmobile.pipeline import build
    from redmobile.pipeline import convert as convert_onnx
    from redmobile.runtimes.base import open_runtime

__all__ = [
    "ImageModel",
    "RedmobileError",
    "build",
    "check_parity",
    "convert_onnx",
    "export_onnx",
    "open_runtime",
    "read_image",
    "run_benchmark",
    "write_image",
]

_HOMES = {
    "ImageModel": "redmobile.enhance.image_model:ImageModel",
    "RedmobileError": "redmobile.errors:RedmobileError",
    "build": "redmobile.pipeline:build",
    "check_parity": "redmobile.parity.check:check_parity",
    "convert_onnx": "redmobile.pipeline:convert",
    "export_onnx": "redmobile.export.torch_to_onnx:export_onnx",
    "open_runtime": "redmobile.runtimes.base:open_runtime",
    "read_image": "redmobile.data.frames:read_image",
    "run_benchmark": "redmobile.bench.runner:bench",
    "write_image": "redmobile.data.frames:write_image",
}
"""Public name → module:name. No public name is that of a room: importing the room would hide it."""


def __getattr__(name: str) -> Any:
    """Load a public name when it is first asked for."""
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'redmobile' has no attribute '{name}'")
    module, _, attribute = home.partition(":")
    value = getattr(importlib.import_module(module), attribute)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """The public names besides what is loaded."""
    return sorted({*globals(), *__all__})
