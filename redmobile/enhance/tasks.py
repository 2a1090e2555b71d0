"""What a network was trained for, and which one on the shelf does a task."""

from __future__ import annotations

from pathlib import Path

from redmobile.enhance.open_model import DEFAULT_MODEL
from redmobile.errors import UsageError
from redmobile.nets.model_document import load_model_document
from redmobile.runtimes.base import DEFAULT_RUNTIMES
from redmobile.shelf import names

AUTO = "auto"
TASKS = ("lowlight", "deblur", "upscale", "restore", "medical", AUTO)

SPECIALISTS = {
    "lowlight": "red_mobile_lowlight",
    "deblur": "red_mobile_deblur",
    "upscale": "red_mobile_upscale",
    "restore": "red_mobile_photo_restore",
    "medical": "red_mobile_xray",
}
"""Task → the model that is taken for it where it stands on the shelf and no other was named."""


def model_for(task: str, model: str | None) -> str:
    """The model that does `task`: the named one, else a specialist, else the general one.

    Raises UsageError if its model.toml does not name the task; a file says nothing of tasks and is taken at its user's word.
    """
    if model is None:
        special = SPECIALISTS.get(task)
        if special in names("models"):
            return str(special)
    chosen = model or DEFAULT_MODEL
    if Path(chosen).suffix.lower() in DEFAULT_RUNTIMES:
        return chosen
    _, document = load_model_document(chosen)
    wanted = "lowlight" if task == AUTO else task
    if wanted not in document.tasks:
        raise UsageError(f"--task {task}: {chosen} was trained for {', '.join(document.tasks)} only (tasks in its model.toml); name another --model.")
    return chosen
