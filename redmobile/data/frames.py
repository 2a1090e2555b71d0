"""Pictures from files and into files: JPEG, PNG, WebP, TIFF, BMP; 8 and 16 bits, grey and colour, with what comes along."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import struct
import warnings
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray
from PIL import BmpImagePlugin, ImageOps, JpegImagePlugin, PngImagePlugin, TiffImagePlugin, UnidentifiedImageError, WebPImagePlugin
from PIL import Image as PillowImage

from redmobile.core.artifact import read_bytes, write_bytes
from redmobile.core.metrics import Frame
from redmobile.data.exif import orientation, upright
from redmobile.data.png16 import encode_png16
from redmobile.data.tiff import encode_tiff
from redmobile.errors import InputError, OutputError, UsageError

DeepFrame = NDArray[np.uint16]
"""(H, W, 3) uint16, full-range RGB."""

FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".webp": "WEBP", ".tif": "TIFF", ".tiff": "TIFF", ".bmp": "BMP"}
"""Ending of a file → format."""

MAX_PIXELS = 178_956_970
"""A picture with more is refused before it is unpacked (Pillow's limit against decompression bombs: 512 MiB as RGB)."""

JPEG_QUALITY = 95
WEBP_QUALITY = 95

_READERS = tuple(
    plugin.format
    for plugin in (
        JpegImagePlugin.JpegImageFile,
        PngImagePlugin.PngImageFile,
        WebPImagePlugin.WebPImageFile,
        TiffImagePlugin.TiffImageFile,
        BmpImagePlugin.BmpImageFile,
    )
)
"""Pillow's names of the formats; importing a plug-in is what makes it known (JPEG's hands over to MPO's)."""

_DEEP_STEP = 257
"""65535 / 255: the 16-bit codes between two 8-bit ones."""

_GREY_MODES = frozenset({"1", "L", "LA", "I;16", "I;16B", "I;16L"})
_DEEP_MODES = frozenset({"I;16", "I;16B", "I;16L", "RGB", "RGBA", "LA"})
"""What Pillow calls the 16-bit pictures whose pixels OpenCV gives as grey, BGR or BGRA."""

_REFUSED_MODES = frozenset({"F", "I"})
_ORIENTATION_TAG = 0x0112
_OPAQUE = ("JPEG", "BMP")
_KEPT_TIFF_TAGS = (270, 271, 272, 282, 283, 296, 305, 306, 315, 33432, 34665, 34853)
"""Description, make, model, resolution (3), software, date, artist, copyright, EXIF and GPS directories; the others describe the pixels."""

_BROKEN = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, OverflowError, struct.error, zlib.error)
"""What Pillow's readers raise on broken files, found by cutting and flipping bytes (tests/data/test_frames.py)."""


@dataclasses.dataclass(frozen=True, eq=False)
class Image:
    """A picture and what has to survive its enhancement. All arrays stand upright: EXIF's orientation is applied and reset.

    frame: (H, W, 3) uint8 RGB; grey pictures have three equal channels.
    format: the format of its file, a value of FORMATS.
    deep: (H, W, 3) uint16 RGB where the file has 16 bits a channel; `frame` is its rounding to 8.
    alpha: (H, W) uint8 (uint16 where `deep` is given), or None.
    grey: written back as grey (16-bit grey with alpha counts as colour). lossless: of WebP. quality: of JPEG and WebP, 1 to 100; None: 95.
    icc: the colour profile, of the colour space that is written. exif: the EXIF block, with the prefix 'Exif'.
    remarks: what in the file was not understood or could not be kept, one sentence each.
    """

    frame: Frame
    format: str = "PNG"
    deep: DeepFrame | None = None
    alpha: NDArray[Any] | None = None
    grey: bool = False
    lossless: bool = False
    quality: int | None = None
    icc: bytes | None = None
    exif: bytes | None = None
    remarks: tuple[str, ...] = ()

    def with_frame(self, frame: Frame) -> Image:
        """The same picture with other pixels, 8 bits. Of another size: without alpha."""
        alpha = self.alpha if self.alpha is not None and self.alpha.shape == frame.shape[:2] else None
        if alpha is not None and alpha.dtype == np.uint16:
            alpha = to_8_bits(alpha)
        return dataclasses.replace(self, frame=frame, deep=None, alpha=alpha)

    def with_deep(self, deep: DeepFrame) -> Image:
        """The same picture with other pixels of the same size, 16 bits."""
        return dataclasses.replace(self, frame=to_8_bits(deep), deep=deep)


def to_8_bits(deep: NDArray[np.uint16]) -> NDArray[np.uint8]:
    """16-bit codes rounded to 8 bits (65535 ↦ 255)."""
    return ((deep.astype(np.uint32) + _DEEP_STEP // 2) // _DEEP_STEP).astype(np.uint8)


def list_images(path: Path) -> list[Path]:
    """`path` itself if it is a file; else the pictures in the folder and below it, by their endings, sorted; no hidden ones.

    Raises InputError if there is no such path or no picture in the folder.
    """
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise InputError(f"{path}: no such file or folder.")
    found = sorted(file for file in path.rglob("*") if file.suffix.lower() in FORMATS and file.is_file() and not _hidden(file.relative_to(path)))
    if not found:
        raise InputError(f"{path}: holds no pictures ({', '.join(FORMATS)}).")
    return found


def read_image(path: Path) -> Image:
    """Read a picture. Raises InputError naming the file if it is missing, broken, cut short, too large or of another kind."""
    data = read_bytes(path)
    if not data:
        raise InputError(f"{path}: is empty (0 bytes), a picture was expected.")
    with _named_faults(path) as caught, PillowImage.open(io.BytesIO(data), formats=_READERS) as file:
        _refuse(path, file)
        deep = _bits(file, data) == 16  # noqa: PLR2004 - bits a channel
        turned = _orientation(file)
        file.load()  # the whole file, also where OpenCV decodes: only Pillow notices that the end is missing
        image = _deep_image(path, file, data, turned) if deep else _plain_image(file)
        exif = _exif(file)
    kept = image.icc if _profile_fits(image) else None
    remarks = [" ".join(str(warning.message).split()) for warning in caught]
    remarks += (
        [f"Its colour profile ({len(image.icc)} bytes) is not one of {'grey' if image.grey else 'RGB'} and was dropped."]
        if image.icc and not kept
        else []
    )
    remarks += [f"{file.mode} was converted to RGB without a profile."] if file.mode in ("CMYK", "YCbCr", "LAB") else []
    return dataclasses.replace(image, icc=kept, exif=upright(exif) if exif else None, lossless=_lossless_webp(data), remarks=tuple(remarks))


def write_image(path: Path, image: Image) -> tuple[str, ...]:
    """Write `image` in the format of the path's ending, whole or not at all. Returns what that format could not keep, one sentence each.

    Raises UsageError (unknown ending; transparency into JPEG or BMP), OutputError.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise UsageError(f"{path}: the name of a picture must end with one of {', '.join(FORMATS)}.")
    if kind in _OPAQUE and image.alpha is not None and not (image.alpha == np.iinfo(image.alpha.dtype).max).all():
        raise UsageError(f"{path}: {kind} holds no transparency, and the picture has some: choose .png, .webp or .tiff.")
    try:
        data = _encode(image, kind)
    except (ValueError, OSError, struct.error) as error:
        height, width, _ = image.frame.shape
        raise OutputError(f"{path}: {width}×{height} pixels cannot be stored as {kind} ({error}).") from error
    write_bytes(path, data)
    return _lost(image, kind)


def _lost(image: Image, kind: str) -> tuple[str, ...]:
    remarks = []
    if image.deep is not None and kind not in ("PNG", "TIFF"):
        remarks.append(f"{kind} holds 8 bits a channel: 16 were rounded.")
    if kind == "BMP" and (image.icc or image.exif):
        remarks.append("BMP holds neither colour profile nor EXIF: they were dropped.")
    if kind == "WEBP" and image.grey and image.icc:
        remarks.append("WebP holds no grey pictures: the colour profile for grey was dropped.")
    return tuple(remarks)


def _encode(image: Image, kind: str) -> bytes:
    if image.deep is not None and kind in ("PNG", "TIFF"):
        pixels = _packed(image, image.deep, image.alpha, grey=image.grey)
        return encode_png16(pixels, image.icc, image.exif) if kind == "PNG" else encode_tiff(pixels, image.icc, _tiff_tags(image.exif))
    alpha = None if kind in _OPAQUE else image.alpha
    if alpha is not None and alpha.dtype == np.uint16:
        alpha = to_8_bits(alpha)
    pixels = _packed(image, image.frame, alpha, grey=image.grey)
    if kind == "TIFF":
        return encode_tiff(pixels, image.icc, _tiff_tags(image.exif))
    file = io.BytesIO()
    PillowImage.fromarray(pixels).save(file, kind, **_save_options(image, kind))
    return file.getvalue()


def _save_options(image: Image, kind: str) -> dict[str, Any]:
    options: dict[str, Any] = {"icc_profile": None if kind == "WEBP" and image.grey else image.icc}
    if image.exif:
        options["exif"] = image.exif
    match kind:
        case "JPEG":
            return options | {"quality": image.quality or JPEG_QUALITY, "subsampling": "4:4:4"}
        case "WEBP":
            return options | {"quality": image.quality or WEBP_QUALITY, "lossless": image.lossless}
        case "BMP":
            return {}
    return options


def _packed(image: Image, colour: NDArray[Any], alpha: NDArray[Any] | None, *, grey: bool) -> NDArray[Any]:
    """(H, W), (H, W, 2), (H, W, 3) or (H, W, 4): grey or colour, with or without alpha. A grey value is the luma of Rec. 601."""
    pixels = cv2.cvtColor(colour, cv2.COLOR_RGB2GRAY) if grey else colour
    pixels = pixels.reshape(*image.frame.shape[:2], -1)
    if alpha is not None:
        pixels = np.concatenate([pixels, alpha[..., None]], axis=2)
    return np.ascontiguousarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _plain_image(file: PillowImage.Image) -> Image:
    picture = ImageOps.exif_transpose(file)
    alpha = None
    if picture.has_transparency_data:
        picture = picture.convert("RGBA")
        alpha = np.asarray(picture.getchannel("A"))
    frame = np.array(picture.convert("RGB"))
    return Image(frame, _format(file), alpha=alpha, grey=file.mode in _GREY_MODES, icc=file.info.get("icc_profile"))


def _deep_image(path: Path, file: PillowImage.Image, data: bytes, turned: int) -> Image:
    if file.mode not in _DEEP_MODES:
        raise InputError(f"{path}: has 16-bit {file.mode} pixels; of 16 bits, grey and RGB can be read.")
    if isinstance(file, TiffImagePlugin.TiffImageFile):
        data = upright(data)  # a TIFF is laid out as an EXIF block is; OpenCV turns some pictures by itself and others not
    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if pixels is None or pixels.dtype != np.uint16:
        raise InputError(f"{path}: its 16-bit pixels cannot be decoded; save it as a plain 16-bit PNG or TIFF.")
    pixels = _turn_upright(pixels, turned)
    alpha = np.ascontiguousarray(pixels[..., 3]) if pixels.ndim == 3 and pixels.shape[2] == 4 else None  # noqa: PLR2004 - BGRA
    grey = pixels.ndim == 2  # noqa: PLR2004 - (H, W)
    deep: DeepFrame = np.repeat(pixels[..., None], 3, axis=2) if grey else np.ascontiguousarray(pixels[..., 2::-1])
    return Image(to_8_bits(deep), _format(file), deep=deep, alpha=alpha, grey=grey, icc=file.info.get("icc_profile"))


def _turn_upright(pixels: NDArray[Any], turned: int) -> NDArray[Any]:
    """Undo an EXIF orientation (1 to 8). 5 to 8: rows and columns exchanged first; then mirrored as each asks."""
    if turned in (5, 6, 7, 8):
        pixels = np.swapaxes(pixels, 0, 1)
    if turned in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if turned in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)


def _orientation(file: PillowImage.Image) -> int:
    if "exif" in file.info:
        return orientation(file.info["exif"])
    return int(file.tag_v2.get(_ORIENTATION_TAG, 1)) if isinstance(file, TiffImagePlugin.TiffImageFile) else 1


def _exif(file: PillowImage.Image) -> bytes | None:
    """The EXIF block of a loaded file; for TIFF made from those of its tags that do not describe the pixels."""
    if not isinstance(file, TiffImagePlugin.TiffImageFile):
        block = file.info.get("exif")
        return None if block is None else b"Exif\0\0" + block.removeprefix(b"Exif\0\0")
    found, kept = file.getexif(), PillowImage.Exif()
    for tag in _KEPT_TIFF_TAGS:
        if tag in found:
            kept[tag] = found.get_ifd(tag) or found[tag]
    return kept.tobytes() if len(kept) else None


def _tiff_tags(exif: bytes | None) -> dict[int, Any]:
    if exif is None:
        return {}
    found = PillowImage.Exif()
    found.load(exif)
    return {tag: found.get_ifd(tag) or found[tag] for tag in _KEPT_TIFF_TAGS if tag in found}


def _format(file: PillowImage.Image) -> str:
    return "JPEG" if file.format == "MPO" else str(file.format)


def _bits(file: PillowImage.Image, data: bytes) -> int:
    """Bits a channel: 8 or 16. Pillow itself reduces 16-bit colour to 8 without telling."""
    if file.format == "PNG":
        return 16 if data[24] == 16 else 8  # noqa: PLR2004 - the header chunk's bit depth
    if isinstance(file, TiffImagePlugin.TiffImageFile):
        return 16 if max(file.tag_v2.get(TiffImagePlugin.BITSPERSAMPLE, (1,))) == 16 else 8  # noqa: PLR2004
    return 8


def _lossless_webp(data: bytes) -> bool:
    """Whether a WebP file's pixels lie in a chunk 'VP8L' (RFC 9649, §2.6); a colour profile may stand before it."""
    at = 12
    while data[8:12] == b"WEBP" and at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        if kind in (b"VP8L", b"VP8 "):
            return kind == b"VP8L"
        at += 8 + length + length % 2
    return False


def _profile_fits(image: Image) -> bool:
    """Whether the profile's colour space (bytes 16 to 19 of its header, ICC.1 §7.2) is that of the pixels written back."""
    return image.icc is not None and image.icc[16:20] == (b"GRAY" if image.grey else b"RGB ")


def _refuse(path: Path, file: PillowImage.Image) -> None:
    pages = getattr(file, "n_frames", 1)
    if pages > 1 and file.format != "MPO":
        raise InputError(f"{path}: holds {pages} pictures (animated, or of several pages); give them one by one, or as a video.")
    if file.mode in _REFUSED_MODES:
        raise InputError(f"{path}: has {'floating-point' if file.mode == 'F' else '32-bit'} pixels; 8 or 16 bits a channel can be read.")


@contextlib.contextmanager
def _named_faults(path: Path) -> Iterator[list[warnings.WarningMessage]]:
    """Turn what a broken file makes Pillow raise into an InputError that names the file, and give what it only warns of.

    The warning at half the limit against decompression bombs is left out.
    """
    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            warnings.simplefilter("ignore", PillowImage.DecompressionBombWarning)
            yield caught
    except PillowImage.DecompressionBombError as error:
        raise InputError(f"{path}: has more than {MAX_PIXELS:,} pixels, which is refused as a decompression bomb; make it smaller first.") from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path}: is not a picture in one of the formats {', '.join(dict.fromkeys(FORMATS.values()))}, or its head is broken."
        ) from error
    except _BROKEN as error:
        raise InputError(f"{path}: is broken or cut short ({' '.join(str(error).split())}).") from error


def _hidden(path: Path) -> bool:
    return any(part.startswith(".") for part in path.parts)
