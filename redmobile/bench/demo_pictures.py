"""The photographs that come with a model."""

from __future__ import annotations

from pathlib import Path

from redmobile.errors import InputError
from redmobile.shelf import find


def demo_pictures(model: str) -> Path:
    """The folder of demo pictures of the model called `model` on the shelf. Raises InputError."""
    folder = find("models", model) / "demo"
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; pictures to look at were expected there.")
    return folder
