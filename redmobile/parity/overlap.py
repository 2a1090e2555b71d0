"""That a file is not judged by the frames that it was calibrated with: there it is at its best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

from redmobile.core.artifact import read_bytes
from redmobile.data.calibration import CALIBRATION_ENTRY, locked_frames
from redmobile.errors import UsageError
from redmobile.graph.tflite_read import read_metadata_entries

_NAMED = 5


def refuse_calibration_frames(files: Iterable[Path], frames: Mapping[str, str]) -> None:
    """Raise UsageError if one of `frames` (name → sha256) has calibrated one of `files`, by the lock in the file's metadata.

    A picture is known by the sha256 of its file, a video's frame by that of its values: one that was written anew is not recognized.
    """
    for file in files:
        if file.suffix.lower() != ".tflite":
            continue
        entries = read_metadata_entries(read_bytes(file), str(file))
        if CALIBRATION_ENTRY not in entries:
            continue
        calibrated = set(locked_frames(entries[CALIBRATION_ENTRY], str(file)).values())
        shared = [name for name, sha256 in frames.items() if sha256 in calibrated]
        if shared:
            more = f" and {len(shared) - _NAMED} more" if len(shared) > _NAMED else ""
            raise UsageError(
                f"{file}: was calibrated with {len(shared)} of the {len(frames)} frames it should be judged by: {', '.join(shared[:_NAMED])}{more}. "
                "Give others, or --allow-calibration-frames."
            )
