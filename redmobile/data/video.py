"""Videos: frames in, H.264 out with the sound copied, every frame at its own time."""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Callable, Container, Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Interpolation

from redmobile.core.artifact import output_path
from redmobile.core.metrics import Frame
from redmobile.data.container_length import check_whole
from redmobile.errors import InputError, OutputError, UsageError

READABLE = (".mp4", ".mov", ".m4v", ".mkv", ".webm", ".avi")
"""Endings of the files that are taken for videos."""

WRITABLE = (".mp4", ".mov", ".m4v", ".mkv")
"""Endings that H.264 video is written to; .mkv holds every kind of sound."""

DEFAULT_CRF = 18
"""x264's constant quality: 0 lossless … 51; 18 is hard to tell from the source."""

_BT709, _UNSPECIFIED, _BT601 = 1, 2, 6
"""Codes of ITU-T H.273, the same for matrix, primaries and transfer."""

_HDR_TRANSFERS = {16: "PQ", 18: "HLG"}
_HD_LINES = 720
"""Where a file names no matrix, players take BT.709 from this height on and BT.601 below."""

_SHORT_SECONDS, _SHORT_SHARE = 0.5, 0.02
"""A file that ends earlier than its header says by more than either is taken for cut short."""

_SCALING = Interpolation.BICUBIC | Interpolation.ACCURATE_RND | Interpolation.FULL_CHR_H_INT | Interpolation.FULL_CHR_H_INP
"""Of the colours between 4:2:0 and RGB. There and back shifts a channel's mean by 0.02 codes; with BICUBIC alone by 1.1 to 1.4."""

_MICROSECONDS = 1_000_000


@dataclasses.dataclass(frozen=True)
class VideoInfo:
    """height, width: of an upright frame, in pixels; frame_rate: mean frames a second; frames: how many, None if the file does not say."""

    height: int
    width: int
    frame_rate: Fraction
    frames: int | None


@dataclasses.dataclass(frozen=True, eq=False)
class TimedFrame:
    """frame: (H, W, 3) uint8 full-range RGB, upright; shown from pts · time_base seconds on."""

    frame: Frame
    pts: int
    time_base: Fraction


class VideoReader:
    """An open video. `info` at once; `parts()` once. `remarks`: what was not as expected, complete after the last part."""

    def __init__(self, path: Path, container: Any) -> None:
        self.path = path
        self.container = container
        self.stream = container.streams.video[0]
        self.remarks: list[str] = []
        self._turned = _rotation(path)
        context = self.stream.codec_context
        sides = (context.height, context.width)
        rate = self.stream.average_rate or self.stream.guessed_rate or Fraction(30)
        count = self.stream.frames or (round(container.duration / _MICROSECONDS * rate) if container.duration else None)
        self.info = VideoInfo(*(sides[::-1] if self._turned % 2 else sides), Fraction(rate), count)

    @property
    def matrix(self) -> int:
        """The H.273 code of the YCbCr matrix: what the file says, or what players assume."""
        stated = int(self.stream.codec_context.colorspace)
        if stated == _UNSPECIFIED:
            return _BT709 if min(self.info.height, self.info.width) >= _HD_LINES else _BT601
        return stated

    @property
    def aspect(self) -> Fraction | None:
        """Width to height of an upright pixel; None: square."""
        stated = self.stream.codec_context.sample_aspect_ratio
        if not stated or stated == 1:
            return None
        return 1 / Fraction(stated) if self._turned % 2 else Fraction(stated)

    def parts(self, wanted: Container[int] | None = None) -> Iterator[TimedFrame | Any]:
        """In the order of the file: video as TimedFrame, sound as packets to be copied. Raises InputError (broken or cut short).

        wanted: places of the frames that are given; the others are decoded, but not turned into RGB.
        """
        count, reached, corrupt = 0, Fraction(0), 0
        with _reading(self.path):
            for packet in self.container.demux():
                reached = max(reached, _end(packet))
                if packet.stream.type == "audio" and packet.dts is not None:
                    yield packet
                if packet.stream is not self.stream:
                    continue
                for picture in packet.decode():
                    if wanted is None or count in wanted:
                        yield self._timed(picture, count)
                    count += 1
                    corrupt += bool(picture.is_corrupt)
        if not count:
            raise InputError(f"{self.path}: holds no picture that can be decoded.")
        self._check_end(reached)
        if corrupt:
            self.remarks.append(f"{corrupt} frames are damaged in the file and were concealed by the decoder.")

    def frames(self) -> Iterator[TimedFrame]:
        """The video alone."""
        return (part for part in self.parts() if isinstance(part, TimedFrame))

    def _timed(self, picture: Any, count: int) -> TimedFrame:
        time_base = Fraction(picture.time_base or self.stream.time_base)
        pts = round(count / (self.info.frame_rate * time_base)) if picture.pts is None else picture.pts
        whole = picture.color_range == ColorRange.JPEG or picture.format.name.startswith("yuvj")
        rgb = picture.reformat(
            format="rgb24",
            src_colorspace=self.matrix,
            src_color_range=ColorRange.JPEG if whole else ColorRange.MPEG,
            dst_color_range=ColorRange.JPEG,
            interpolation=_SCALING,
        )
        return TimedFrame(np.ascontiguousarray(np.rot90(rgb.to_ndarray(), self._turned)), pts, time_base)

    def _check_end(self, reached: Fraction) -> None:
        if not self.container.duration:
            return
        stated = (self.container.duration + (self.container.start_time or 0)) / _MICROSECONDS
        if float(reached) < stated - max(_SHORT_SECONDS, _SHORT_SHARE * stated):
            raise InputError(f"{self.path}: is cut short: it ends after {float(reached):.1f} s, its header says {stated:.1f} s.")


@contextlib.contextmanager
def open_video(path: Path) -> Iterator[VideoReader]:
    """Open a video. Raises InputError: missing, a folder, broken, cut short, without pictures, or HDR (the networks see SDR)."""
    if path.is_dir():
        raise InputError(f"{path}: is a folder, a video was expected.")
    if not path.is_file():
        raise InputError(f"{path}: no such file.")
    check_whole(path)
    with _reading(path):
        container = av.open(str(path))
    with container:
        if not container.streams.video:
            raise InputError(f"{path}: holds no video stream.")
        transfer = int(container.streams.video[0].codec_context.color_trc)
        if transfer in _HDR_TRANSFERS:
            raise InputError(f"{path}: is HDR ({_HDR_TRANSFERS[transfer]}), frames of standard range are needed; convert it to SDR first.")
        container.streams.video[0].thread_type = "AUTO"
        yield VideoReader(path, container)


def count_frames(path: Path) -> int:
    """How many pictures the video at `path` holds, counted by its packets, without decoding. Raises InputError as `open_video`."""
    with open_video(path) as reader, _reading(path):
        return sum(packet.size > 0 for packet in reader.container.demux(reader.stream))


def frames_at(path: Path, places: Sequence[int]) -> Iterator[tuple[int, Frame]]:
    """(place, frame) for each of the sorted `places`, counted from 0; frames are (H, W, 3) uint8 full-range RGB, upright.

    A place beyond the end gives nothing. Raises InputError as `open_video` and VideoReader.parts.
    """
    with open_video(path) as reader:
        frames = (part.frame for part in reader.parts(set(places)) if isinstance(part, TimedFrame))
        yield from zip(places, frames, strict=False)


def rewrite_video(
    source: Path,
    final: Path,
    transform: Callable[[Frame], Frame],
    crf: int = DEFAULT_CRF,
    on_progress: Callable[[int, int | None], None] | None = None,
) -> tuple[str, ...]:
    """Write `source` to `final` with every frame sent through `transform`; whole or not at all.

    H.264, 8 bits, 4:2:0, limited range, the source's matrix; sound copied as it is; times of frames kept, also uneven ones.
    transform: (H, W, 3) uint8 RGB → the same, of one size for all frames. on_progress: (frames done, frames in all or None).
    Returns remarks, one sentence each. Raises InputError, UsageError (ending of `final`), OutputError.
    """
    if final.suffix.lower() not in WRITABLE:
        raise UsageError(f"{final}: the name of a video must end with one of {', '.join(WRITABLE)}.")
    with open_video(source) as reader, output_path(final) as partial:
        writer = _Writer(final, partial, reader, crf)
        done = 0
        try:
            for part in reader.parts():
                if isinstance(part, TimedFrame):
                    writer.write(dataclasses.replace(part, frame=transform(part.frame)))
                    done += 1
                    if on_progress:
                        on_progress(done, reader.info.frames)
                else:
                    writer.copy(part)
            writer.finish()
        finally:
            writer.close()
        return tuple(reader.remarks)


class _Writer:
    """H.264 and copied sound. The video stream is laid out at the first frame, whose size it takes; sound before that waits."""

    def __init__(self, final: Path, partial: Path, reader: VideoReader, crf: int) -> None:
        self._final, self._reader, self._crf = final, reader, crf
        self._waiting: list[Any] = []
        self._stream: Any = None
        self._last_pts: int | None = None
        with self._writing():
            self._container = av.open(str(partial), "w", options={"movflags": "faststart"} if final.suffix.lower() != ".mkv" else {})
            self._container.metadata.update(reader.container.metadata)
        self._sound = {}
        for stream in reader.container.streams.audio:
            try:
                self._sound[stream.index] = self._container.add_stream_from_template(stream)
            except (av.error.FFmpegError, ValueError) as error:
                raise self._unstorable_sound() from error
        dropped = sorted({stream.type for stream in reader.container.streams} - {"audio", "video"})
        if dropped or len(reader.container.streams.video) > 1:
            reader.remarks.append(f"Only the first video stream and the sound were kept (dropped: {', '.join(dropped) or 'further video'}).")

    def write(self, part: TimedFrame) -> None:
        frame = _even(part.frame)
        if self._stream is None:
            self._start(frame, part.time_base)
        picture = av.VideoFrame.from_ndarray(frame, format="rgb24").reformat(
            format="yuv420p",
            dst_colorspace=self._reader.matrix,
            src_color_range=ColorRange.JPEG,
            dst_color_range=ColorRange.MPEG,
            interpolation=_SCALING,
        )
        # Two frames at one time would stop the encoder.
        picture.pts = part.pts if self._last_pts is None else max(part.pts, self._last_pts + 1)
        picture.time_base = part.time_base
        self._last_pts = picture.pts
        with self._writing():
            self._container.mux(self._stream.encode(picture))

    def copy(self, packet: Any) -> None:
        if self._stream is None:
            self._waiting.append(packet)
            return
        packet.stream = self._sound[packet.stream.index]
        with self._writing():
            self._container.mux(packet)

    def finish(self) -> None:
        with self._writing():
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def close(self) -> None:
        # After an error there is nothing left to save; closing may then complain once more.
        with contextlib.suppress(av.error.FFmpegError, OSError):
            self._container.close()

    def _start(self, frame: Frame, time_base: Fraction) -> None:
        source = self._reader.stream.codec_context
        matrix = self._reader.matrix
        with self._writing():
            stream: Any = self._container.add_stream("libx264", rate=self._reader.info.frame_rate, options={"crf": str(self._crf)})
            stream.height, stream.width = frame.shape[:2]
            stream.pix_fmt = "yuv420p"
            context = stream.codec_context
            context.time_base = time_base
            context.colorspace, context.color_range = matrix, ColorRange.MPEG
            context.color_primaries = matrix if source.color_primaries == _UNSPECIFIED else source.color_primaries
            context.color_trc = matrix if source.color_trc == _UNSPECIFIED else source.color_trc
            if self._reader.aspect:
                context.sample_aspect_ratio = self._reader.aspect
            self._stream = stream
            try:
                self._container.start_encoding()
            except (av.error.ArgumentError, ValueError) as error:
                raise self._unstorable_sound() from error
        waiting, self._waiting = self._waiting, []
        for packet in waiting:
            self.copy(packet)

    def _unstorable_sound(self) -> UsageError:
        codecs = ", ".join(stream.codec_context.name for stream in self._reader.container.streams.audio) or "none"
        return UsageError(f"{self._final}: {self._final.suffix} cannot hold the sound of {self._reader.path} ({codecs}); .mkv holds every kind.")

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except av.error.FFmpegError as error:
            raise OutputError(f"{self._final}: cannot be written ({error.strerror or error}). Nothing was left under that name.") from error


def _rotation(path: Path) -> int:
    """Quarter turns counter-clockwise that bring the stored picture upright, from the first frame's display matrix.

    In a container of its own: after decoding, seeking back may lose the first packets of the sound.
    """
    with _reading(path), av.open(str(path)) as container:
        first = next(container.decode(video=0), None)
    return 0 if first is None else round(first.rotation / 90) % 4


def _end(packet: Any) -> Fraction:
    if packet.pts is None or packet.time_base is None:
        return Fraction(0)
    end: Fraction = (packet.pts + (packet.duration or 0)) * Fraction(packet.time_base)
    return end


def _even(frame: Frame) -> Frame:
    """`frame` with its last row and column doubled where a side is odd: 4:2:0 has one colour for 2×2 pixels."""
    height, width = frame.shape[:2]
    if height % 2 == width % 2 == 0:
        return np.ascontiguousarray(frame)
    return np.asarray(cv2.copyMakeBorder(frame, 0, height % 2, 0, width % 2, cv2.BORDER_REPLICATE), np.uint8)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except av.error.FFmpegError as error:
        raise InputError(f"{path}: is broken, cut short or no video ({error.strerror or error}).") from error
