"""Files that are whole or absent, and their sha256."""

from __future__ import annotations

import contextlib
import hashlib
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from redmobile.errors import InputError, OutputError


def sha256_bytes(data: bytes) -> str:
    """The sha256 of `data` in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_file(path: Path) -> str:
    """The sha256 of the file at `path` in hexadecimal."""
    return sha256_bytes(read_bytes(path))


def read_bytes(path: Path) -> bytes:
    """The content of the file at `path`; InputError if it is missing, a folder, or unreadable."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder, a file was expected.")
    try:
        return path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file.") from error
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}).") from error


@contextlib.contextmanager
def output_path(final: Path) -> Iterator[Path]:
    """Give a temporary path beside `final`, with the same suffix; move it into place when the block ends well.

    Whatever ends the block early (an error, Ctrl-C) removes the temporary file; a kill -9 leaves it under its
    temporary name (`.NAME.XXXX.partial.SUFFIX`). In no case is an older file at `final` harmed. Raises OutputError.
    """
    if final.is_dir():
        raise OutputError(f"{final}: is a folder; give the name of a file to write.")
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{final.stem}.", suffix=f".partial{final.suffix}", dir=final.parent)
        os.close(handle)
    except OSError as error:
        raise _cannot_write(final, error) from error
    partial = Path(name)
    try:
        yield partial
        with partial.open("rb+") as written:
            os.fsync(written.fileno())
        partial.chmod(0o666 & ~_umask())
        partial.replace(final)
    except OSError as error:
        raise _cannot_write(final, error) from error
    finally:
        partial.unlink(missing_ok=True)


def write_bytes(final: Path, data: bytes) -> None:
    """Write `data` to `final`, whole or not at all. Raises OutputError."""
    with output_path(final) as partial:
        partial.write_bytes(data)


def write_text(final: Path, text: str) -> None:
    """Write `text` as UTF-8 to `final`, whole or not at all. Raises OutputError."""
    write_bytes(final, text.encode())


def _cannot_write(final: Path, error: OSError) -> OutputError:
    return OutputError(f"{final}: cannot be written ({error.strerror or error}). Nothing was left under that name that was not there before.")


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
