"""Which images calibrate, and how they are fitted."""

import cv2
import numpy as np
import pytest

from redmobile.core.artifact import sha256_file
from redmobile.data.calibration import FrameSet, Wanted, fit, load_calibration, load_samples, lock_text, locked_frames, read_lock
from redmobile.errors import DocumentError, InputError, UnsupportedModelError, UsageError


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.fixture
def folder(tmp_path):
    """Nine pictures in a folder and one below it."""
    (tmp_path / "more").mkdir()
    for index in range(9):
        cv2.imwrite(str(tmp_path / f"{index}.png"), noise(20, 30, index))
    cv2.imwrite(str(tmp_path / "more" / "z.png"), noise(20, 30, 99))
    return tmp_path


@pytest.mark.parametrize("size", [(7, 9), (20, 30), (33, 17), (100, 200)])
def test_fitting_takes_pixels_as_they_are(size):
    frame = noise(20, 30)
    fitted = fit(frame, *size)
    assert fitted.shape == (*size, 3)
    assert {tuple(pixel) for pixel in fitted.reshape(-1, 3)} <= {tuple(pixel) for pixel in frame.reshape(-1, 3)}


def test_smaller_pictures_are_mirrored_with_their_statistics():
    frame = noise(20, 30)
    fitted = fit(frame, 40, 60)
    np.testing.assert_array_equal(fitted[:20, :30], frame)
    np.testing.assert_array_equal(fitted[20:, :30], frame[::-1])
    np.testing.assert_array_equal(fitted[:20, 30:], frame[:, ::-1])
    np.testing.assert_array_equal(np.bincount(fitted.ravel(), minlength=256), 4 * np.bincount(frame.ravel(), minlength=256))


def test_larger_pictures_are_cut_out_of_the_middle():
    frame = noise(20, 30)
    np.testing.assert_array_equal(fit(frame, 10, 10), frame[5:15, 10:20])


def test_pictures_are_spread_over_the_sorted_names_and_locked(folder):
    chosen = load_calibration(folder, 20, 30, samples=4)
    assert list(chosen.lock) == ["0.png", "3.png", "6.png", "more/z.png"]
    assert chosen.lock["3.png"] == sha256_file(folder / "3.png")
    np.testing.assert_array_equal(chosen.frames[1][..., ::-1], noise(20, 30, 3))
    assert chosen.as_json() == {"images": chosen.lock, "count": 4}


def test_all_are_taken_if_there_are_fewer(folder):
    assert len(load_calibration(folder, 8, 8, samples=32).frames) == 10


def test_one_file_will_do(folder):
    chosen = load_calibration(folder / "5.png", 20, 30)
    assert list(chosen.lock) == ["5.png"]


def test_an_empty_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no pictures"):
        load_calibration(tmp_path, 8, 8)


def test_a_missing_folder_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file or folder"):
        load_calibration(tmp_path / "none", 8, 8)


def test_a_broken_picture_is_named(folder):
    (folder / "0.png").write_bytes((folder / "0.png").read_bytes()[:100])
    with pytest.raises(InputError, match=r"0\.png"):
        load_calibration(folder, 8, 8, samples=2)


def test_no_samples_are_refused(folder):
    with pytest.raises(UsageError, match="at least 1"):
        load_calibration(folder, 8, 8, samples=0)


def save(path, **arrays):
    np.savez(path, **arrays)
    return path


IMAGE = Wanted({"image": (1, 20, 30, 3)})


def test_arrays_of_codes_are_taken_as_they_are(tmp_path):
    values = np.stack([noise(20, 30, seed) for seed in range(5)])
    chosen = load_samples(save(tmp_path / "a.npz", image=values), IMAGE, 3)
    assert list(chosen.lock) == ["a.npz#0", "a.npz#2", "a.npz#4"]
    np.testing.assert_array_equal(np.stack(chosen.frames), values[[0, 2, 4]])


def test_real_values_become_codes_of_the_range(tmp_path):
    values = np.stack([noise(20, 30, seed) for seed in range(2)])
    real = (values.astype(np.float32) / 255 * 2 - 1).astype(np.float32)
    chosen = load_samples(save(tmp_path / "a.npz", image=real), Wanted(IMAGE.inputs, (-1.0, 1.0)))
    np.testing.assert_array_equal(np.stack(chosen.frames), values)


@pytest.mark.parametrize("bad", [1.2, -0.1, np.nan, np.inf])
def test_values_beyond_the_range_are_refused(tmp_path, bad):
    values = np.zeros((1, 20, 30, 3), np.float32)
    values[0, :2] = bad
    with pytest.raises(InputError, match=r"a\.npz#0, 'image': 10\.0% of its values lie outside of the input's range \[0, 1\]"):
        load_samples(save(tmp_path / "a.npz", image=values), IMAGE)


def test_several_inputs_get_an_array_each(tmp_path):
    wanted = Wanted({"left": (1, 4, 5, 3), "right": (1, 2, 2, 1)})
    left, right = np.full((2, 4, 5, 3), 200, np.uint8), np.full((2, 2, 2, 1), 100, np.uint8)
    chosen = load_samples(save(tmp_path / "a.npz", right=right, left=left), wanted)
    assert isinstance(chosen.frames[0], FrameSet)
    assert [array.shape for array in chosen.frames[0].frames] == [(4, 5, 3), (2, 2, 1)]
    assert chosen.frames[0].mean() == 150
    assert chosen.frames[0].tobytes() == left[0].tobytes() + right[0].tobytes()


@pytest.mark.parametrize(
    ("arrays", "said"),
    [
        ({"photo": np.zeros((1, 20, 31, 3), np.uint8)}, "holds frames of 20×31×3, the network takes 20×30×3"),
        ({"image": np.zeros((1, 20, 30, 3), np.int32)}, "holds int32, uint8 codes or floats"),
        ({"a": np.zeros((1, 2)), "b": np.zeros((1, 2))}, "holds arrays a, b; the network's inputs are image"),
    ],
)
def test_arrays_that_do_not_fit_are_refused(tmp_path, arrays, said):
    with pytest.raises(InputError, match=said):
        load_samples(save(tmp_path / "a.npz", **arrays), IMAGE)


def test_pictures_cannot_feed_several_inputs(folder):
    with pytest.raises(UnsupportedModelError, match=r"left 1×4×5×3, right 1×2×2×1\. Give an \.npz"):
        load_samples(folder, Wanted({"left": (1, 4, 5, 3), "right": (1, 2, 2, 1)}))


def test_a_lock_gives_the_same_frames_from_wherever_it_lies(folder, tmp_path_factory):
    chosen = load_samples(folder, IMAGE, 4)
    final = tmp_path_factory.mktemp("locks") / "deep" / "mine.lock"
    final.parent.mkdir()
    final.write_text(lock_text(final, folder, chosen.lock, 4))
    (folder / "00.png").write_bytes((folder / "1.png").read_bytes())  # a new picture would shift an even spread
    again = load_samples(final, IMAGE, 2)
    assert again.lock == chosen.lock
    np.testing.assert_array_equal(np.stack(again.frames), np.stack(chosen.frames))
    assert not read_lock(final).source.startswith("/")
    copy = final.with_name("copy.lock")
    copy.write_text(lock_text(copy, final, again.lock, 4))
    assert read_lock(copy) == read_lock(final)


def test_a_changed_picture_is_named_by_the_lock(folder):
    lock = folder / "mine.lock"
    lock.write_text(lock_text(lock, folder, load_samples(folder, IMAGE, 4).lock, 4))
    cv2.imwrite(str(folder / "3.png"), noise(20, 30, 77))
    with pytest.raises(InputError, match=r"3\.png has changed"):
        load_samples(lock, IMAGE)


@pytest.mark.parametrize("text", ["", "{}", '{"format": "redmobile.calibration_lock/1", "speed": 3}', "\x00\xff"])
def test_what_is_no_lock_is_a_document_error(tmp_path, text):
    (tmp_path / "bad.lock").write_text(text)
    with pytest.raises(DocumentError, match=r"bad\.lock: is not a lock of calibration frames"):
        load_samples(tmp_path / "bad.lock", IMAGE)


def test_the_entry_of_a_file_is_read_back():
    assert locked_frames(b'{"a.png": "00"}', "x.tflite") == {"a.png": "00"}
    for damaged in (b"", b"[1]", b"\xff"):
        with pytest.raises(InputError, match=r"x\.tflite: its metadata entry 'redmobile\.calibration' cannot be read"):
            locked_frames(damaged, "x.tflite")
