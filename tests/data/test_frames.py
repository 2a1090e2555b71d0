"""Pictures keep what comes along, and broken ones are named."""

import contextlib
import io
import warnings
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image as PillowImage
from PIL import ImageCms, ImageOps

from redmobile.data import frames
from redmobile.data.frames import list_images, read_image, to_8_bits, write_image
from redmobile.data.png16 import encode_png16
from redmobile.data.tiff import encode_tiff
from redmobile.errors import InputError, OutputError, UsageError

SRGB = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


@pytest.fixture
def photo():
    """(40, 56, 3) uint8: smooth enough for lossy formats, with no symmetry."""
    rows, columns = np.mgrid[0:40, 0:56]
    return np.stack([rows * 6, columns * 4, 255 - rows * 3 - columns], axis=2).astype(np.uint8)


def exif_block(orientation=1, **entries):
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    exif[0x010F] = "Maker"
    exif[0x8769] = {0x9003: "2026:11:01 10:00:00", **{int(tag.removeprefix("tag"), 16): value for tag, value in entries.items()}}
    return exif.tobytes()


@pytest.mark.parametrize("ending", frames.FORMATS)
def test_round_trip_of_pixels(tmp_path, photo, ending):
    path = tmp_path / f"a{ending}"
    assert write_image(path, frames.Image(photo, lossless=True)) == ()
    image = read_image(path)
    assert image.format == frames.FORMATS[ending]
    assert np.abs(image.frame.astype(int) - photo).max() <= (8 if image.format == "JPEG" else 0)
    assert image.deep is None
    assert image.alpha is None
    assert image.remarks == ()


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff"])
def test_profile_and_exif_are_kept(tmp_path, photo, ending):
    path = tmp_path / f"a{ending}"
    write_image(path, frames.Image(photo, icc=SRGB, exif=exif_block()))
    write_image(tmp_path / f"b{ending}", read_image(path).with_frame(255 - photo))
    with PillowImage.open(tmp_path / f"b{ending}") as again:
        assert again.info["icc_profile"] == SRGB
        exif = again.getexif()
        assert exif[0x010F] == "Maker"
        assert exif.get_ifd(0x8769)[0x9003] == "2026:11:01 10:00:00"


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff"])
def test_orientation_is_applied_and_reset(tmp_path, photo, ending, orientation):
    stored = PillowImage.fromarray(photo)
    path = tmp_path / f"a{ending}"
    stored.save(path, exif=exif_block(orientation, tagA002=56, tagA003=40), quality=95)
    with PillowImage.open(path) as file:
        expected = np.asarray(ImageOps.exif_transpose(file).convert("RGB"))
    image = read_image(path)
    assert np.array_equal(image.frame, expected)
    assert image.frame.shape == ((56, 40, 3) if orientation >= 5 else (40, 56, 3))
    write_image(tmp_path / f"b{ending}", image)
    with PillowImage.open(tmp_path / f"b{ending}") as again:
        assert again.getexif().get(0x0112, 1) == 1
        sides = again.getexif().get_ifd(0x8769)
        if ending != ".tiff":
            assert (sides[0xA002], sides[0xA003]) == image.frame.shape[1::-1]
    assert read_image(tmp_path / f"b{ending}").frame.shape == expected.shape


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_orientation_of_16_bits_is_that_of_8(tmp_path, photo, ending, orientation):
    deep = photo.astype(np.uint16) * 257
    exif = exif_block(orientation)
    data = encode_png16(deep, None, exif) if ending == ".png" else encode_tiff(deep, None, {0x0112: orientation})
    (tmp_path / f"deep{ending}").write_bytes(data)
    PillowImage.fromarray(photo).save(tmp_path / "plain.png", exif=exif)
    image = read_image(tmp_path / f"deep{ending}")
    assert image.deep is not None
    assert np.array_equal(image.frame, read_image(tmp_path / "plain.png").frame)


def test_embedded_preview_is_dropped(tmp_path, photo):
    exif = PillowImage.Exif()
    exif[0x010F] = "Maker"
    block = bytearray(exif.tobytes())
    directory = 6 + 8
    count = int.from_bytes(block[directory : directory + 2], "big" if block[6:8] == b"MM" else "little")
    at = directory + 2 + 12 * count
    block[at : at + 4] = b"\x01\x02\x03\x04"
    PillowImage.fromarray(photo).save(tmp_path / "a.jpg", exif=bytes(block))
    assert read_image(tmp_path / "a.jpg").exif[at : at + 4] == b"\0\0\0\0"


def test_broken_exif_does_not_stop_a_picture(tmp_path, photo):
    PillowImage.fromarray(photo).save(tmp_path / "a.png", exif=b"Exif\0\0II*\0\xff\xff\xff\x7f")
    assert read_image(tmp_path / "a.png").frame.shape == photo.shape


@pytest.mark.parametrize("ending", [".png", ".webp", ".tiff"])
def test_alpha_is_kept(tmp_path, photo, ending):
    alpha = photo[..., 0]
    path = tmp_path / f"a{ending}"
    write_image(path, frames.Image(photo, alpha=alpha, lossless=True))
    image = read_image(path)
    assert np.array_equal(image.alpha, alpha)


@pytest.mark.parametrize("ending", [".jpg", ".bmp"])
def test_transparency_cannot_become_opaque(tmp_path, photo, ending):
    with pytest.raises(UsageError, match=r"transparency.*\.png"):
        write_image(tmp_path / f"a{ending}", frames.Image(photo, alpha=photo[..., 0]))
    write_image(tmp_path / f"a{ending}", frames.Image(photo, alpha=np.full(photo.shape[:2], 255, np.uint8)))


@pytest.mark.parametrize("ending", [".jpg", ".png", ".tiff", ".bmp"])
def test_grey_goes_back_to_grey(tmp_path, photo, ending):
    PillowImage.fromarray(photo[..., 0]).save(tmp_path / f"a{ending}")
    image = read_image(tmp_path / f"a{ending}")
    assert image.grey
    assert image.frame.shape == photo.shape
    tinted = image.frame // 2 + np.array([0, 10, 20], np.uint8)
    write_image(tmp_path / f"b{ending}", image.with_frame(tinted))
    with PillowImage.open(tmp_path / f"b{ending}") as again:
        assert again.mode == "L"


def test_grey_with_alpha(tmp_path, photo):
    PillowImage.merge("LA", [PillowImage.fromarray(photo[..., 0]), PillowImage.fromarray(photo[..., 1])]).save(tmp_path / "a.png")
    image = read_image(tmp_path / "a.png")
    assert image.grey
    assert np.array_equal(image.alpha, photo[..., 1])
    write_image(tmp_path / "b.png", image)
    with PillowImage.open(tmp_path / "b.png") as again:
        assert again.mode == "LA"


@pytest.mark.parametrize("ending", [".png", ".tiff"])
@pytest.mark.parametrize("kind", ["grey", "colour", "alpha"])
def test_16_bits_round_trip(tmp_path, ending, kind):
    shape = {"grey": (9, 7), "colour": (9, 7, 3), "alpha": (9, 7, 4)}[kind]
    pixels = np.random.default_rng(1).integers(0, 65536, shape, dtype=np.uint16)
    icc = None if kind == "grey" else SRGB
    data = encode_png16(pixels, icc, exif_block()) if ending == ".png" else encode_tiff(pixels, icc, {271: "Maker"})
    (tmp_path / f"a{ending}").write_bytes(data)
    image = read_image(tmp_path / f"a{ending}")
    assert image.grey == (kind == "grey")
    assert np.array_equal(image.frame, to_8_bits(image.deep))
    assert image.icc == icc
    write_image(tmp_path / f"b{ending}", image.with_deep(image.deep))
    again = read_image(tmp_path / f"b{ending}")
    assert np.array_equal(again.deep, image.deep)
    assert np.array_equal(again.deep[..., 0], pixels if kind == "grey" else pixels[..., 0])
    assert (again.alpha is None) == (kind != "alpha")
    assert again.icc == icc
    assert b"Maker" in again.exif
    if kind == "alpha":
        assert np.array_equal(again.alpha, pixels[..., 3])


def test_16_bits_into_8_is_said(tmp_path, photo):
    remarks = write_image(tmp_path / "a.jpg", frames.Image(photo, deep=photo.astype(np.uint16) * 257))
    assert remarks == ("JPEG holds 8 bits a channel: 16 were rounded.",)
    assert "profile" in write_image(tmp_path / "a.bmp", frames.Image(photo, icc=SRGB))[0]


def test_8_bits_of_16():
    assert to_8_bits(np.array([0, 128, 129, 65535, 257 * 7], np.uint16)).tolist() == [0, 0, 1, 255, 7]


def test_palette_and_one_bit_and_cmyk(tmp_path, photo):
    PillowImage.fromarray(photo).quantize(16).save(tmp_path / "palette.png")
    assert not read_image(tmp_path / "palette.png").grey
    PillowImage.fromarray(photo[..., 0]).convert("1").save(tmp_path / "bits.png")
    assert set(np.unique(read_image(tmp_path / "bits.png").frame)) <= {0, 255}
    PillowImage.fromarray(photo).convert("CMYK").save(tmp_path / "print.jpg")
    assert "CMYK" in read_image(tmp_path / "print.jpg").remarks[0]


def test_profile_of_another_colour_space_is_dropped_and_said(tmp_path, photo):
    PillowImage.fromarray(photo[..., 0]).save(tmp_path / "a.png", icc_profile=SRGB)
    image = read_image(tmp_path / "a.png")
    assert image.icc is None
    assert "profile" in image.remarks[0]


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1)])
def test_smallest_and_thinnest(tmp_path, size):
    write_image(tmp_path / "a.png", frames.Image(np.full((*size, 3), 7, np.uint8)))
    assert read_image(tmp_path / "a.png").frame.shape == (*size, 3)


def encoded(photo, ending):
    file = io.BytesIO()
    PillowImage.fromarray(photo).save(file, frames.FORMATS[ending], **({"compression": "tiff_adobe_deflate"} if ending == ".tiff" else {}))
    return file.getvalue()


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp", "deep.png", "deep.tiff"])
def test_truncation_anywhere_is_an_input_error(tmp_path, photo, ending):
    deep = np.random.default_rng(0).integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    data = {"deep.png": encode_png16(deep, SRGB, None), "deep.tiff": encode_tiff(deep, SRGB, {})}.get(ending) or encoded(photo, ending)
    path = tmp_path / f"cut{ending}"
    path.write_bytes(data)
    whole = read_image(path)
    for size in [*range(0, 200, 7), *range(200, len(data), max(1, len(data) // 40))]:
        path.write_bytes(data[:size])
        try:
            image = read_image(path)
        except InputError as error:
            assert "cut" in str(error)  # noqa: PT017 - both ways are right, each on its condition
        else:
            assert np.array_equal(image.frame, whole.frame)  # only the end marker is missing


@pytest.mark.parametrize("ending", [".jpg", ".png", ".webp", ".tiff", ".bmp", "deep.png", "deep.tiff"])
def test_flipped_bytes_read_or_are_input_errors(tmp_path, photo, ending):
    rng = np.random.default_rng(5)
    deep = rng.integers(0, 65536, (20, 30, 3), dtype=np.uint16)
    data = {"deep.png": encode_png16(deep, SRGB, exif_block()), "deep.tiff": encode_tiff(deep, SRGB, {271: "x"})}.get(ending) or encoded(
        photo, ending
    )
    path = tmp_path / f"flip{ending}"
    for _ in range(150):
        broken = bytearray(data)
        for at in rng.integers(0, min(len(data), 600), 3):
            broken[at] = rng.integers(256)
        path.write_bytes(broken)
        with contextlib.suppress(InputError):
            assert read_image(path).frame.dtype == np.uint8


def test_missing_folder_empty_text(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_image(tmp_path / "none.png")
    with pytest.raises(InputError, match="folder"):
        read_image(tmp_path)
    (tmp_path / "empty.png").write_bytes(b"")
    with pytest.raises(InputError, match="empty"):
        read_image(tmp_path / "empty.png")
    (tmp_path / "text.png").write_text("hello, this is no picture")
    with pytest.raises(InputError, match="not a picture"):
        read_image(tmp_path / "text.png")


def test_bomb_is_refused_without_unpacking(tmp_path):
    def chunk(kind, content):
        return len(content).to_bytes(4, "big") + kind + content + zlib.crc32(kind + content).to_bytes(4, "big")

    head = (50000).to_bytes(4, "big") * 2 + bytes([8, 2, 0, 0, 0])
    (tmp_path / "bomb.png").write_bytes(
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )
    with pytest.raises(InputError, match="decompression bomb"):
        read_image(tmp_path / "bomb.png")


def test_animation_and_float_are_refused(tmp_path, photo):
    first = PillowImage.fromarray(photo)
    first.save(tmp_path / "a.webp", save_all=True, append_images=[PillowImage.fromarray(255 - photo)])
    with pytest.raises(InputError, match="2 pictures"):
        read_image(tmp_path / "a.webp")
    PillowImage.fromarray(photo[..., 0].astype(np.float32)).save(tmp_path / "f.tiff")
    with pytest.raises(InputError, match="floating-point"):
        read_image(tmp_path / "f.tiff")


def test_unknown_ending_and_unstorable_size(tmp_path, photo):
    with pytest.raises(UsageError, match="must end with"):
        write_image(tmp_path / "a.gif", frames.Image(photo))
    with pytest.raises(OutputError, match="20000×1"):
        write_image(tmp_path / "a.webp", frames.Image(np.zeros((1, 20000, 3), np.uint8)))
    assert list(tmp_path.iterdir()) == []


def test_a_folder_in_the_way_is_an_output_error(tmp_path, photo):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(OutputError, match="folder"):
        write_image(tmp_path / "a.png", frames.Image(photo))


def test_list_images(tmp_path):
    for name in ["b.png", "a.JPG", "below/c.webp", ".hidden/d.png", ".e.png", "notes.txt"]:
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    assert [str(path.relative_to(tmp_path)) for path in list_images(tmp_path)] == ["a.JPG", "b.png", "below/c.webp"]
    assert list_images(tmp_path / "b.png") == [tmp_path / "b.png"]
    with pytest.raises(InputError, match="no such"):
        list_images(tmp_path / "nothing")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        list_images(tmp_path / "empty")


@pytest.mark.parametrize("icc", [None, SRGB])
def test_lossless_webp_stays_lossless(tmp_path, photo, icc):
    write_image(tmp_path / "a.webp", frames.Image(photo, lossless=True, icc=icc))
    write_image(tmp_path / "b.webp", read_image(tmp_path / "a.webp"))
    again = read_image(tmp_path / "b.webp")
    assert again.lossless
    assert np.array_equal(again.frame, photo)
    write_image(tmp_path / "c.webp", frames.Image(photo, icc=icc))
    assert not read_image(tmp_path / "c.webp").lossless


def test_grey_tiff_with_alpha(tmp_path, photo):
    write_image(tmp_path / "a.tiff", frames.Image(np.repeat(photo[..., :1], 3, axis=2), grey=True, alpha=photo[..., 1]))
    image = read_image(tmp_path / "a.tiff")
    assert image.grey
    assert np.array_equal(image.alpha, photo[..., 1])
    assert np.array_equal(image.frame[..., 0], photo[..., 0])


def test_16_bit_cmyk_is_refused(tmp_path):
    tifffile = pytest.importorskip("tifffile", reason="comes with scikit-image")

    tifffile.imwrite(tmp_path / "a.tiff", np.zeros((8, 8, 4), np.uint16), photometric="separated")
    with pytest.raises(InputError, match="16-bit CMYK"):
        read_image(tmp_path / "a.tiff")


def test_reading_warns_nobody(tmp_path, photo):
    write_image(tmp_path / "a.png", frames.Image(photo))
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        read_image(tmp_path / "a.png")


def test_opencv_reads_what_is_written(tmp_path, photo):
    write_image(tmp_path / "a.png", frames.Image(photo, deep=photo.astype(np.uint16) * 257, icc=SRGB))
    again = cv2.imread(str(tmp_path / "a.png"), cv2.IMREAD_UNCHANGED)
    assert np.array_equal(again[..., ::-1], photo.astype(np.uint16) * 257)
