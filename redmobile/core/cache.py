"""Where redmobile keeps what it fetches and makes once: environments, emulated systems."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "REDMOBILE_CACHE"
"""Environment variable with the folder that is used instead of ~/.cache/redmobile."""


def cache_folder() -> Path:
    """The folder; it need not be there yet."""
    own = os.environ.get(CACHE_VARIABLE)
    return Path(own) if own else Path.home() / ".cache" / "redmobile"
