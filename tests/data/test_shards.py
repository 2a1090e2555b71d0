"""Tar shards: indexed once, read where they lie, held out by tenths, refused when they are broken."""

import io
import tarfile

import cv2
import numpy as np
import pytest

from redmobile.data.shards import ShardFrames, index_shards, list_shards, split_members
from redmobile.errors import InputError


def _picture(index):
    return np.random.default_rng(index).integers(0, 256, (20, 30, 3), np.uint8)


def _shard(path, indices, *, mode="w"):
    path.parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, mode) as archive:
        for index in indices:
            _, png = cv2.imencode(".png", _picture(index)[..., ::-1])
            for name, data in ((f"{index:04}.png", png.tobytes()), (f"{index:04}.txt", b"a caption")):
                entry = tarfile.TarInfo(name)
                entry.size = len(data)
                archive.addfile(entry, io.BytesIO(data))
    return path


def test_pictures_of_all_shards_in_order(tmp_path):
    _shard(tmp_path / "b" / "01.tar", range(7, 12))
    _shard(tmp_path / "00.tar", range(7))
    frames = ShardFrames(index_shards(sorted(list_shards(tmp_path), key=lambda path: path.name)))
    assert len(frames) == 12
    for index in (0, 6, 7, 11, 3):
        assert np.array_equal(frames[index], _picture(index))


def test_every_tenth_is_held_out(tmp_path):
    training, held = split_members(index_shards([_shard(tmp_path / "a.tar", range(21))]))
    assert [member.name for member in held] == ["0000.png", "0010.png", "0020.png"]
    assert len(training) == 18


def test_one_file_is_a_shard_and_other_files_are_not(tmp_path):
    shard = _shard(tmp_path / "a.tar", [0])
    assert list_shards(shard) == [shard]
    (tmp_path / "a.txt").write_text("")
    assert list_shards(tmp_path / "a.txt") == []


def test_broken_compressed_and_empty_shards_are_named(tmp_path):
    (tmp_path / "bad.tar").write_bytes(b"no tar at all" * 100)
    compressed = _shard(tmp_path / "packed.tar", [0], mode="w:gz")
    empty = _shard(tmp_path / "empty.tar", [])
    for shard, words in ((tmp_path / "bad.tar", "no whole, uncompressed"), (compressed, "no whole, uncompressed"), (empty, "hold no pictures")):
        with pytest.raises(InputError, match=words):
            index_shards([shard])


def test_a_picture_that_is_cut_short_is_named_with_its_shard(tmp_path):
    shard = _shard(tmp_path / "a.tar", [0])
    (member,) = index_shards([shard])
    with shard.open("rb+") as file:
        file.seek(member.start)
        file.write(b"\0" * member.size)
    with pytest.raises(InputError, match=r"a\.tar: 0000\.png"):
        ShardFrames([member])[0]
