"""Frames of folders, videos and arrays: which are taken, what they are called, and how a lock finds them again."""

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from redmobile.core.artifact import sha256_bytes, sha256_file
from redmobile.data.frame_sources import evenly, hash_frames, kind_of, read_frames, read_named
from redmobile.errors import InputError, UsageError


def picture(index, height=32, width=48):
    """Flat areas that a video codec keeps apart: the brightness says which frame it is."""
    return np.full((height, width, 3), 10 * index + 5, np.uint8)


@pytest.fixture
def folder(tmp_path):
    for index in range(5):
        cv2.imwrite(str(tmp_path / f"{index}.png"), picture(index))
    return tmp_path


@pytest.fixture
def clip(tmp_path):
    """Twenty frames, each brighter than the one before, with B-frames, so that packets come out of order."""
    path = tmp_path / "clip.mp4"
    container = av.open(str(path), "w")
    stream = container.add_stream("libx264", rate=30, options={"crf": "4", "bf": "2"})
    stream.height, stream.width, stream.pix_fmt = 32, 48, "yuv420p"
    for index in range(20):
        container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(index), format="rgb24")))
    container.mux(stream.encode(None))
    container.close()
    return path


@pytest.fixture
def arrays(tmp_path):
    rng = np.random.default_rng(0)
    values = {"image": rng.integers(0, 256, (6, 4, 5, 3), np.uint8), "strength": rng.uniform(0, 1, (6, 1)).astype(np.float32)}
    np.savez(tmp_path / "frames.npz", **values)
    return tmp_path / "frames.npz", values


@given(count=st.integers(1, 500), samples=st.integers(1, 60))
def test_places_are_spread_from_end_to_end(count, samples):
    places = evenly(count, samples)
    assert len(places) == min(count, samples)
    assert places[0] == 0
    if samples > 1:
        assert places[-1] == count - 1
        assert np.ptp(np.diff(places) if len(places) > 1 else [0]) <= 1


def test_no_samples_are_refused():
    with pytest.raises(UsageError, match="at least 1, found 0"):
        evenly(5, 0)


def test_pictures_are_known_by_their_files(folder):
    found = list(read_frames(folder, 3))
    assert [each.name for each in found] == ["0.png", "2.png", "4.png"]
    assert found[1].sha256 == sha256_file(folder / "2.png")
    assert found[1].frame[0, 0, 0] == 25
    assert hash_frames(folder, 3) == {each.name: each.sha256 for each in found}
    assert len(list(read_frames(folder))) == 5


def test_a_video_s_frames_are_spread_over_its_length(clip):
    found = list(read_frames(clip, 5))
    assert [each.name for each in found] == ["clip.mp4#0", "clip.mp4#5", "clip.mp4#10", "clip.mp4#14", "clip.mp4#19"]
    for each, place in zip(found, (0, 5, 10, 14, 19), strict=True):
        assert abs(float(each.frame.mean()) - (10 * place + 5)) < 4
        assert each.sha256 == sha256_bytes(each.frame.tobytes())
    assert hash_frames(clip, 5) == {each.name: each.sha256 for each in found}
    assert len(list(read_frames(clip, 99))) == 20


def test_of_a_video_sixteen_are_taken_when_nothing_is_said(clip):
    assert len(list(read_frames(clip))) == 16


def test_arrays_come_together_by_their_first_axis(arrays):
    path, values = arrays
    found = list(read_frames(path, 2))
    assert [each.name for each in found] == ["frames.npz#0", "frames.npz#5"]
    assert found[1].frame is None
    for name, array in values.items():
        np.testing.assert_array_equal(found[1].arrays[name], array[5])
    assert found[1].sha256 == sha256_bytes(values["image"][5].tobytes() + values["strength"][5].tobytes())


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"a": np.zeros((2, 3)), "b": np.zeros((3, 3))}, "a 2, b 3"),
        ({"a": np.zeros((0, 3))}, "a 0"),
        ({"a": np.float32(1)}, "a 0"),
        ({}, "no array"),
    ],
)
def test_arrays_must_agree_on_the_number_of_frames(tmp_path, values, said):
    np.savez(tmp_path / "odd.npz", **values)
    with pytest.raises(InputError, match=said):
        list(read_frames(tmp_path / "odd.npz"))


def test_broken_arrays_are_named(tmp_path, arrays):
    path, _ = arrays
    cut = tmp_path / "cut.npz"
    cut.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(InputError, match=r"cut\.npz: is not a whole \.npz"):
        list(read_frames(cut))
    np.savez(tmp_path / "objects.npz", a=np.array([{}, {}], object))
    with pytest.raises(InputError, match=r"objects\.npz: cannot be read as an \.npz of plain arrays"):
        list(read_frames(tmp_path / "objects.npz"))
    flipped = bytearray(path.read_bytes())
    flipped[300:340] = bytes(40)
    cut.write_bytes(flipped)
    with pytest.raises(InputError, match=r"cut\.npz: cannot be read"):
        list(read_frames(cut))


def test_what_is_not_there(tmp_path):
    with pytest.raises(InputError, match="gone: no such file or folder"):
        kind_of(tmp_path / "gone")


@pytest.mark.parametrize("source", ["folder", "clip", "arrays"])
def test_a_lock_finds_the_same_frames_again(source, request):
    path = request.getfixturevalue(source)
    path = path[0] if isinstance(path, tuple) else path
    lock = hash_frames(path, 3)
    again = read_named(path, lock)
    assert {each.name: each.sha256 for each in again} == lock


def test_a_lock_names_every_frame_that_is_not_what_it_was(folder):
    lock = hash_frames(folder, 5)
    cv2.imwrite(str(folder / "3.png"), picture(7))
    (folder / "1.png").unlink()
    with pytest.raises(InputError, match=r"1\.png is missing; 3\.png has changed \(sha256 \w{12} expected, \w{12} found\)"):
        read_named(folder, lock)


def test_a_lock_of_another_video_or_array_is_noticed(clip, arrays):
    with pytest.raises(InputError, match=r"has changed"):
        read_named(clip, {"clip.mp4#3": "0" * 64})
    with pytest.raises(InputError, match=r"clip\.mp4#77 is missing"):
        read_named(clip, {"clip.mp4#77": "0" * 64})
    with pytest.raises(InputError, match=r"has no frame called 'other\.mp4#3'"):
        read_named(clip, {"other.mp4#3": "0" * 64})
    with pytest.raises(InputError, match=r"frames\.npz#9 is missing"):
        read_named(arrays[0], {"frames.npz#9": "0" * 64})
