"""The log of a run for TensorBoard: what log.csv holds, as curves, and the validation sheet as a picture."""

from __future__ import annotations

import sys
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redmobile.core.metrics import Frame
from redmobile.errors import MissingExtraError

FOLDER = "tensorboard"


class Board:
    """Writes event files into `run`/tensorboard. Raises MissingExtraError."""

    def __init__(self, run: Path) -> None:
        _without_tensorflow()
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ModuleNotFoundError as error:
            raise MissingExtraError("tensorboard", "torch", "--tensorboard") from error
        self._writer = SummaryWriter(str(run / FOLDER))

    def add(self, row: Mapping[str, Any], sheet: Frame) -> None:
        """A row of the log, and the sheet (H, W, 3) uint8 of that moment; on disk when it returns."""
        for name, value in row.items():
            if isinstance(value, float):
                self._writer.add_scalar(name, value, row["step"])
        self._writer.add_image("validation", sheet, row["step"], dataformats="HWC")
        self._writer.flush()


def _without_tensorflow() -> None:
    """Let TensorBoard take its own small replacement of TensorFlow, as it does wherever a module of this name can be imported.

    Else it imports all of TensorFlow where that is installed: seconds, and an error if LiteRT's messages are already loaded in this process.
    """
    sys.modules.setdefault("tensorboard.compat.notf", types.ModuleType("tensorboard.compat.notf"))
