"""The folder for what can be made or fetched again."""

from __future__ import annotations

import os
from pathlib import Path

CACHE_VARIABLE = "REDMOBILE_CACHE"
"""Environment variable with the folder that is used instead of ~/.cache/redmobile."""


def cache_folder() -> Path:
    """Where what can be made or fetched again is kept; it need not exist yet."""
    own = os.environ.get(CACHE_VARIABLE)
    return Path(own) if own else Path.home() / ".cache" / "redmobile"
