"""The sha256 of a folder: of the names and contents of everything in it."""

from __future__ import annotations

import hashlib
from pathlib import Path

from redmobile.core.artifact import sha256_file


def tree_sha256(folder: Path) -> str:
    """One sha256 over all files and links below `folder`; that of nothing where there is no such folder."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            digest.update(f"{path.relative_to(folder)}\0-> {path.readlink()}\n".encode())
        elif path.is_file():
            digest.update(f"{path.relative_to(folder)}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()
