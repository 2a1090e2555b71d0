"""Where the demo app's sources stand: in a checkout, or in the wheel."""

from __future__ import annotations

from pathlib import Path

from redmobile.errors import InputError

_PACKAGE = Path(__file__).resolve().parents[1]


def find_source() -> Path:
    """The folder android_demo. Raises InputError."""
    for folder in (_PACKAGE.parent / "android_demo", _PACKAGE / "_shelf" / "android_demo"):
        if (folder / "pom.xml").is_file():
            return folder
    raise InputError(f"android_demo, the app's sources, was found neither beside {_PACKAGE} nor in it; install redmobile again.")
