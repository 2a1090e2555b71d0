"""What a driver is asked and what it answers: standard library only, for it runs in every environment."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

ANSWER = "answer.json"
"""The answer's name in the job's folder. Without one, the process has failed and its log says why."""


@dataclasses.dataclass(frozen=True)
class Module:
    """A PyTorch network as code. source: timm, segmentation_models or model (a model.toml of ours); what: its name there, or the file.

    options: keywords of its factory. weights: a safetensors file; '' for random ones.
    """

    source: str
    what: str
    options: dict[str, Any]
    weights: str = ""


@dataclasses.dataclass(frozen=True)
class Job:
    """One conversion. folder: where everything is written; it is the working folder too.

    onnx: the network's file, '' when it is still to be made from `module`. size: (height, width) of the picture it takes.
    precision: fp32 or int8. calibration: folder of the pictures in their order; samples: how many of them;
    frames: the same, fitted to the network, as .npy, (N, H, W, 3) float32 in [0, 1]. recipe: for a converter that has several.
    """

    folder: str
    onnx: str
    module: Module | None
    size: tuple[int, int]
    precision: str
    calibration: str
    samples: int
    frames: str
    recipe: str = ""

    @classmethod
    def read(cls, path: Path) -> Job:
        """The job in a JSON file."""
        values = json.loads(path.read_text(encoding="utf-8"))
        module = values["module"] and Module(**values["module"])
        height, width = values["size"]
        return cls(**{**values, "module": module, "size": (height, width)})


@dataclasses.dataclass(frozen=True)
class Answer:
    """What came of a job. file: the path of what was made, from the folder.

    import_seconds: until the converter's packages were loaded; seconds: from the start of the process until the file was whole.
    versions: package → version.
    """

    file: str
    import_seconds: float
    seconds: float
    versions: dict[str, str]
