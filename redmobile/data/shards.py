"""Photographs in tar shards, as WebDataset writes them: read from where they lie, so that a set need not fit the memory.

A shard is a plain .tar of pictures. Members that are no pictures (labels, captions) are left alone. The index is made by reading the headers
once; a picture is read and decoded when it is asked for. WebDataset's own reader streams in shard order, which makes a sample depend on what was
read before it; here sample i is a function of i, as a run that resumes bit for bit needs it.
"""

from __future__ import annotations

import dataclasses
import tarfile
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from redmobile.core.metrics import Frame
from redmobile.data.datasets import SUFFIXES, shrink
from redmobile.errors import InputError

ENDING = ".tar"


@dataclasses.dataclass(frozen=True)
class Member:
    """A picture in a shard: `size` bytes from `start` on."""

    shard: Path
    name: str
    start: int
    size: int


class ShardFrames(Sequence[Frame]):
    """The pictures of `members`, (H, W, 3) uint8 RGB each, shrunk to at most 1600 pixels on the long side, decoded at every access."""

    def __init__(self, members: Sequence[Member]) -> None:
        self._members = members

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, place: int) -> Frame:  # type: ignore[override]  # slices are not needed
        member = self._members[place]
        with member.shard.open("rb") as file:
            file.seek(member.start)
            data = file.read(member.size)
        found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
        if found is None:
            raise InputError(f"{member.shard}: {member.name} in it cannot be read as a picture.")
        return shrink(np.ascontiguousarray(found[..., ::-1], np.uint8))


def list_shards(folder: Path) -> list[Path]:
    """The .tar files in `folder` and below it, sorted; or `folder` itself if it is one."""
    if folder.is_file():
        return [folder] if folder.suffix.lower() == ENDING else []
    return sorted(path for path in folder.rglob(f"*{ENDING}") if path.is_file())


def index_shards(shards: Sequence[Path]) -> list[Member]:
    """Every picture in `shards`, in their order. Raises InputError for a file that is no whole, plain .tar, and if there is no picture."""
    members: list[Member] = []
    for shard in shards:
        try:
            with tarfile.open(shard, "r:") as archive:
                members += [
                    Member(shard, entry.name, entry.offset_data, entry.size)
                    for entry in archive
                    if entry.isreg() and entry.name.lower().endswith(SUFFIXES)
                ]
        except (tarfile.TarError, OSError) as error:
            raise InputError(f"{shard}: is no whole, uncompressed .tar ({error}).") from error
    if not members:
        raise InputError(f"{shards[0].parent}: its shards hold no pictures ({', '.join(SUFFIXES)}).")
    return members


def split_members(members: Sequence[Member]) -> tuple[list[Member], list[Member]]:
    """(training, validation): every tenth member is held out."""
    held = list(members[::10])
    return [member for place, member in enumerate(members) if place % 10], held
