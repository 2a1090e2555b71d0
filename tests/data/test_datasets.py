"""Data sets: splits that do not leak, batches that are functions of the seed, clear errors."""

import cv2
import numpy as np
import pytest

from redmobile.data.datasets import Pairs, Photos, as_batch, list_pictures, load_pairs, load_photos, pair_paths, split_pairs, split_photos
from redmobile.errors import InputError, UsageError


def _write(path, value=100, size=(40, 60)):
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.full((*size, 3), value, np.uint8))
    return path


def _samples(pairs, count, crop):
    return as_batch([pairs.sample(np.random.default_rng([5, index]), crop) for index in range(count)])


def test_every_tenth_photo_of_each_folder_is_held_out(tmp_path):
    paths = [_write(tmp_path / part / f"{i:03}.png") for part in "ab" for i in range(21)]
    training, held = split_photos(list_pictures(tmp_path))
    assert [path.name for path in held] == ["000.png", "010.png", "020.png"] * 2
    assert sorted([*training, *held]) == sorted(paths)


def test_pairs_match_by_name_whatever_the_ending(tmp_path):
    _write(tmp_path / "low" / "7.png")
    _write(tmp_path / "high" / "7.jpg")
    assert [(low.name, high.name) for low, high in pair_paths(tmp_path)] == [("7.png", "7.jpg")]


def test_pair_without_partner_is_named(tmp_path):
    _write(tmp_path / "low" / "7.png")
    _write(tmp_path / "high" / "8.png")
    with pytest.raises(InputError, match="7, 8"):
        pair_paths(tmp_path)


def test_pair_of_two_sizes_is_named(tmp_path):
    pair = (_write(tmp_path / "low" / "7.png"), _write(tmp_path / "high" / "7.png", size=(40, 50)))
    with pytest.raises(InputError, match=r"60×40.*50×40"):
        load_pairs([pair])


def test_held_out_block_never_trains(tmp_path):
    pairs = [(tmp_path / f"low/{i}.png", tmp_path / f"high/{i}.png") for i in range(20)]
    training, held = split_pairs(pairs, "5-9")
    assert [int(low.stem) for low, _ in held] == [5, 6, 7, 8, 9]
    assert set(training) == set(pairs) - set(held)
    assert len(split_pairs(pairs, None)[1]) == 2


@pytest.mark.parametrize("block", ["5", "a-b", "100-200", "0-19"])
def test_bad_block_is_refused(block, tmp_path):
    pairs = [(tmp_path / f"low/{i}.png", tmp_path / f"high/{i}.png") for i in range(20)]
    with pytest.raises(UsageError):
        split_pairs(pairs, block)


def test_photos_give_one_sample_a_seed_and_keep_channels_in_rgb():
    frame = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    first, second = (Photos([frame]).sample(np.random.default_rng(3), (32, 32), lambda clean, _: (clean // 2, clean)) for _ in range(2))
    assert np.array_equal(first[0], second[0])
    assert np.array_equal(first[0], first[1] // 2)
    assert first[0].shape == (32, 32, 3)


def test_pairs_are_cut_alike():
    high = np.random.default_rng(0).integers(0, 256, (50, 70, 3), np.uint8)
    low, clean = _samples(Pairs([(high // 3, high)]), 8, (16, 24))
    assert np.array_equal(low, clean // 3)


def test_picture_smaller_than_the_crop_is_mirrored_on():
    high = np.random.default_rng(0).integers(0, 256, (30, 70, 3), np.uint8)
    low, clean = _samples(Pairs([(high // 3, high)]), 4, (64, 96))
    assert clean.shape == (4, 64, 96, 3)
    assert np.array_equal(low, clean // 3)
    assert {tuple(pixel) for pixel in clean.reshape(-1, 3)} <= {tuple(pixel) for pixel in high.reshape(-1, 3)}


def test_only_large_photographs_are_shrunk(tmp_path):
    small, large = _write(tmp_path / "s.png", size=(40, 60)), _write(tmp_path / "l.png", size=(900, 3200))
    assert [frame.shape for frame in load_photos([small, large])] == [(40, 60, 3), (450, 1600, 3)]


def test_unreadable_picture_is_named(tmp_path):
    broken = tmp_path / "broken.png"
    broken.write_bytes(b"\x89PNG\r\n\x1a\n truncated")
    with pytest.raises(InputError, match=r"broken\.png"):
        load_photos([broken])


def test_empty_folder_missing_folder_and_file_are_told_apart(tmp_path):
    with pytest.raises(InputError, match="holds no pictures"):
        list_pictures(tmp_path)
    with pytest.raises(InputError, match="no such folder"):
        list_pictures(tmp_path / "absent")
    with pytest.raises(InputError, match="is a file"):
        list_pictures(_write(tmp_path / "a.png"))
