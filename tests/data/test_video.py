"""Videos come back whole: frames, times, colours, sound; broken ones are named."""

import contextlib
import resource
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest
from av.video.reformatter import ColorRange

from redmobile.data.container_length import check_whole
from redmobile.data.video import _SCALING, open_video, rewrite_video
from redmobile.errors import InputError, OutputError, UsageError


def picture(index, height=96, width=128):
    """Smooth, coloured, without symmetry, another one each time."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows * 200 // height + index, columns * 200 // width, 220 - rows * 100 // height - columns * 100 // width], axis=2).astype(
        np.uint8
    )


def make_video(
    path, *, pts=range(12), size=(96, 128), matrix=1, sound="aac", time_base=Fraction(1, 30), color_range=ColorRange.MPEG, rotation=0, codec="libx264"
):
    container = av.open(str(path), "w")
    stream = container.add_stream(codec, rate=30, options={"crf": "8"} if codec == "libx264" else {})
    stream.height, stream.width = size
    stream.pix_fmt = "yuv420p"
    context = stream.codec_context
    context.time_base = time_base
    context.colorspace, context.color_range = matrix, color_range
    if rotation:
        stream.set_display_rotation(rotation)
    audio = container.add_stream(sound, rate=48000) if sound else None
    for index, time in enumerate(pts):
        frame = av.VideoFrame.from_ndarray(picture(index, *size), format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=matrix if matrix != 2 else 5,
            src_color_range=ColorRange.JPEG,
            dst_color_range=color_range,
            interpolation=_SCALING,
        )
        frame.pts, frame.time_base = time, time_base
        container.mux(stream.encode(frame))
        if audio:
            chunk = av.AudioFrame.from_ndarray(np.full((1, 1600), index / 50, np.float32), format="fltp", layout="mono")
            chunk.sample_rate, chunk.pts = 48000, index * 1600
            container.mux(audio.encode(chunk))
    container.mux(stream.encode(None))
    if audio:
        container.mux(audio.encode(None))
    container.close()
    return path


def read(path):
    with open_video(path) as reader:
        return list(reader.frames()), reader


def sound_packets(path):
    with av.open(str(path)) as container:
        return [(packet.pts * packet.time_base, bytes(packet)) for packet in container.demux(container.streams.audio[0]) if packet.size]


def test_frames_come_back(tmp_path):
    frames, reader = read(make_video(tmp_path / "a.mp4"))
    assert (reader.info.height, reader.info.width, reader.info.frame_rate, reader.info.frames) == (96, 128, 30, 12)
    assert len(frames) == 12
    for index, part in enumerate(frames):
        assert part.pts * part.time_base == Fraction(index, 30)
        assert np.abs(part.frame.astype(int) - picture(index)).mean() < 2
    assert reader.remarks == []


@pytest.mark.parametrize("matrix", [1, 5, 6, 2])
@pytest.mark.parametrize("color_range", [ColorRange.MPEG, ColorRange.JPEG])
def test_colours_survive_every_matrix_and_range(tmp_path, matrix, color_range):
    make_video(tmp_path / "a.mp4", matrix=matrix, color_range=color_range)
    rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", lambda frame: frame, crf=4)
    rounding = 1.0 if color_range == ColorRange.MPEG else 1.6  # swscale is coarser on full range; a wrong matrix or range shifts by more
    for name in ("a.mp4", "b.mp4"):
        first = read(tmp_path / name)[0][0].frame.astype(int)
        assert np.abs(first - picture(0)).mean() < 1.2 + rounding, name
        assert abs((first - picture(0)).mean()) < rounding, name  # no shift of brightness
    with av.open(str(tmp_path / "b.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert int(context.colorspace) == (6 if matrix == 2 else matrix)
        assert context.color_range == ColorRange.MPEG
        assert context.pix_fmt == "yuv420p"


def test_hd_without_a_matrix_is_bt709(tmp_path):
    make_video(tmp_path / "a.mp4", size=(720, 1280), pts=range(2), matrix=2, sound=None)
    assert read(tmp_path / "a.mp4")[1].matrix == 1


def test_sound_is_copied_packet_by_packet(tmp_path):
    make_video(tmp_path / "a.mp4")
    rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", lambda frame: 255 - frame)
    assert [data for _, data in sound_packets(tmp_path / "b.mp4")] == [data for _, data in sound_packets(tmp_path / "a.mp4")]
    assert np.abs(read(tmp_path / "b.mp4")[0][3].frame.astype(int) - (255 - picture(3))).mean() < 2


@pytest.mark.parametrize("ending", [".mkv", ".mov", ".mp4"])
def test_uneven_times_are_kept(tmp_path, ending):
    times = [0, 3000, 9000, 9900, 33000, 36000, 72000]
    make_video(tmp_path / "a.mp4", pts=times, time_base=Fraction(1, 90000), sound=None)
    rewrite_video(tmp_path / "a.mp4", tmp_path / f"b{ending}", lambda frame: frame)
    found = [part.pts * part.time_base for part in read(tmp_path / f"b{ending}")[0]]
    assert np.allclose([float(time) for time in found], [time / 90000 for time in times], atol=0.0006)


@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_rotation_is_applied_and_gone(tmp_path, rotation):
    make_video(tmp_path / "a.mp4", rotation=rotation, sound=None)
    with av.open(str(tmp_path / "a.mp4")) as container:
        angle = next(container.decode(video=0)).rotation
    assert abs(angle) == abs(rotation)
    expected = np.rot90(picture(0), angle // 90)
    rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", lambda frame: frame)
    for name in ("a.mp4", "b.mp4"):
        frames, reader = read(tmp_path / name)
        assert frames[0].frame.shape == expected.shape
        assert (reader.info.height, reader.info.width) == expected.shape[:2]
        assert np.abs(frames[0].frame.astype(int) - expected).mean() < 2
    with av.open(str(tmp_path / "b.mp4")) as container:
        assert next(container.decode(video=0)).rotation == 0


def test_odd_sizes_and_other_sizes(tmp_path):
    make_video(tmp_path / "a.mp4", sound=None)
    rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", lambda frame: frame[:95, :127])
    assert read(tmp_path / "b.mp4")[0][0].frame.shape == (96, 128, 3)
    rewrite_video(tmp_path / "a.mp4", tmp_path / "c.mp4", lambda frame: np.hstack([frame, frame]))
    assert read(tmp_path / "c.mp4")[0][0].frame.shape == (96, 256, 3)


def test_progress_and_no_partial_file(tmp_path):
    make_video(tmp_path / "a.mp4")
    seen = []
    rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", lambda frame: frame, on_progress=lambda done, total: seen.append((done, total)))
    assert seen == [(index + 1, 12) for index in range(12)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.mp4", "b.mp4"]


def test_a_failing_frame_leaves_nothing(tmp_path):
    make_video(tmp_path / "a.mp4")

    def fail(_):
        raise UsageError("no")

    with pytest.raises(UsageError):
        rewrite_video(tmp_path / "a.mp4", tmp_path / "b.mp4", fail)
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]


def test_sound_that_does_not_fit_is_a_usage_error(tmp_path):
    make_video(tmp_path / "a.avi", codec="mpeg4", sound="pcm_u8")
    with contextlib.suppress(UsageError):
        rewrite_video(tmp_path / "a.avi", tmp_path / "b.mp4", lambda frame: frame)
        pytest.fail("pcm_u8 in .mp4 should be refused")
    assert not (tmp_path / "b.mp4").exists()
    rewrite_video(tmp_path / "a.avi", tmp_path / "b.mkv", lambda frame: frame)
    assert len(read(tmp_path / "b.mkv")[0]) == 12


def test_webm_and_avi_can_be_read(tmp_path):
    make_video(tmp_path / "a.webm", codec="libvpx", sound="libopus")
    assert len(read(tmp_path / "a.webm")[0]) == 12
    rewrite_video(tmp_path / "a.webm", tmp_path / "b.mkv", lambda frame: frame)
    assert len(sound_packets(tmp_path / "b.mkv")) == len(sound_packets(tmp_path / "a.webm"))


@pytest.mark.parametrize("ending", [".mp4", ".mkv", ".avi"])
def test_truncation_is_an_input_error(tmp_path, ending):
    data = make_video(tmp_path / f"whole{ending}", pts=range(60), codec="mpeg4" if ending == ".avi" else "libx264").read_bytes()
    path = tmp_path / f"cut{ending}"
    for share in (0.001, 0.01, 0.1, 0.3, 0.5, 0.7):
        path.write_bytes(data[: int(len(data) * share)])
        with pytest.raises(InputError, match="cut"):
            read(path)
        with pytest.raises(InputError, match="cut"):
            rewrite_video(path, tmp_path / "out.mp4", lambda frame: frame)
        assert not (tmp_path / "out.mp4").exists()


def test_mp4_cut_anywhere_is_noticed(tmp_path):
    make_video(tmp_path / "a.mp4")
    rewrite_video(tmp_path / "a.mp4", tmp_path / "fast.mp4", lambda frame: frame)  # table of contents in front
    for name in ("a.mp4", "fast.mp4"):
        data = (tmp_path / name).read_bytes()
        check_whole(tmp_path / name)
        for size in [*range(1, 64), *range(64, len(data), len(data) // 50), len(data) - 1]:
            (tmp_path / "cut.mp4").write_bytes(data[:size])
            with pytest.raises(InputError, match=r"cut\.mp4"):
                check_whole(tmp_path / "cut.mp4")


def test_no_moov_is_said(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0\0\0\0\x0cmdatabcd")
    with pytest.raises(InputError, match=r"moov.*ftyp, mdat"):
        read(tmp_path / "a.mp4")


def test_what_is_no_video(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read(tmp_path / "none.mp4")
    with pytest.raises(InputError, match="folder"):
        read(tmp_path)
    (tmp_path / "empty.mkv").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        read(tmp_path / "empty.mkv")
    (tmp_path / "text.mkv").write_text("no video at all" * 100)
    with pytest.raises(InputError, match="text"):
        read(tmp_path / "text.mkv")
    make_video(tmp_path / "a.mkv")
    with pytest.raises(UsageError, match="must end with"):
        rewrite_video(tmp_path / "a.mkv", tmp_path / "b.webm", lambda frame: frame)


def test_hdr_is_refused(tmp_path):
    container = av.open(str(tmp_path / "hdr.mkv"), "w")
    stream = container.add_stream("libx264", rate=30)
    stream.height, stream.width, stream.pix_fmt = 96, 128, "yuv420p10le"
    stream.codec_context.colorspace, stream.codec_context.color_trc, stream.codec_context.color_primaries = 9, 16, 9
    container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(0), format="rgb24")))
    container.mux(stream.encode(None))
    container.close()
    with pytest.raises(InputError, match=r"HDR \(PQ\)"):
        read(tmp_path / "hdr.mkv")


@pytest.mark.skipif(not hasattr(resource, "RLIMIT_FSIZE"), reason="file sizes cannot be limited here")
@pytest.mark.parametrize("ending", [".mp4", ".mkv"])
def test_a_full_disk_is_an_output_error(tmp_path, ending):
    """The largest file size allowed to the process stands in for the full disk: writes fail in the same place."""
    make_video(tmp_path / "a.mp4", pts=range(30), sound=None)
    code = f"""
import pathlib, resource, signal
import numpy as np
from redmobile.data.video import rewrite_video
from redmobile.errors import OutputError
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
noise = np.random.default_rng(0)
folder = pathlib.Path({str(tmp_path)!r})
try:
    rewrite_video(folder / "a.mp4", folder / "b{ending}", lambda frame: noise.integers(0, 256, frame.shape, dtype=np.uint8))
except OutputError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert f"b{ending}: cannot be written" in done.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp4"]
    assert issubclass(OutputError, Exception)
