"""The app's shaders on Mesa's software renderer, against NumPy: what they pack must be exact."""

import contextlib
import ctypes.util
import importlib

import cv2
import numpy as np
import pytest

from redmobile.android.source import find_source

moderngl = pytest.importorskip("moderngl", reason="moderngl is not installed: pip install moderngl")

SHADERS = find_source() / "app" / "src" / "main" / "assets" / "shaders"
CORNERS = np.array([[0, 0], [1, 0], [0, 1], [1, 1]], np.float32)
TURNS = {0: lambda a: a, 90: lambda a: np.rot90(a, -1), 180: lambda a: np.rot90(a, 2), 270: lambda a: np.rot90(a, 1)}


@pytest.fixture(scope="module")
def gl():
    if not all(map(ctypes.util.find_library, ("EGL", "GL"))):
        pytest.skip("no EGL and OpenGL: apt-get install libegl1 libgl1 libgl1-mesa-dri")
    with contextlib.suppress(ImportError):  # torch.export loads it: after Mesa's LLVM its own crashes the process, before it all is well
        importlib.import_module("triton")
    context = moderngl.create_context(standalone=True, backend="egl", libgl="libGL.so.1", libegl="libEGL.so.1")
    yield context
    context.release()


def _draw(gl, fragment, size, textures, uniforms):
    """The bytes (H, W, 4) that a shader gives; row 0 is the first that glReadPixels reads. textures: name → (H, W, 4) uint8."""
    height, width = size
    program = gl.program((SHADERS / "whole.vert").read_text(), (SHADERS / fragment).read_text())
    target = gl.framebuffer([gl.texture((width, height), 4)])
    held = []
    for unit, (name, pixels) in enumerate(textures.items()):
        texture = gl.texture((pixels.shape[1], pixels.shape[0]), 4, np.ascontiguousarray(pixels).tobytes())
        texture.filter = (gl.NEAREST, gl.NEAREST) if fragment == "split.frag" else (gl.LINEAR, gl.LINEAR)
        texture.repeat_x = texture.repeat_y = False
        texture.use(unit)
        program[name] = unit
        held.append(texture)
    for name, value in uniforms.items():
        program[name] = value
    target.use()
    gl.vertex_array(program, [(gl.buffer(CORNERS.tobytes()), "2f", "corner")]).render(gl.TRIANGLE_STRIP)
    return np.frombuffer(target.read(components=4), np.uint8).reshape(height, width, 4)


def _to_frame(turn, crop):
    """The matrix, column by column, from the model's picture to the frame, whose `crop` (left, top, width, height) is turned clockwise by `turn`."""
    angle = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}[turn]
    a, b, c, d = angle
    turned = np.array([[a, b, 0.5 - (a + b) / 2], [c, d, 0.5 - (c + d) / 2], [0, 0, 1]], np.float64)
    left, top, width, height = crop
    return tuple((np.array([[width, 0, left], [0, height, top], [0, 0, 1]]) @ turned).T.astype(np.float32).ravel().tolist())


def _to_picture(turn=0):
    """The matrix, column by column, from the screen, whose y runs up, to the picture, which is shown turned clockwise by `turn`."""
    turned = np.array(_to_frame(turn, (0, 0, 1, 1))).reshape(3, 3).T
    return tuple((turned @ np.array([[1, 0, 0], [0, -1, 1], [0, 0, 1]])).T.astype(np.float32).ravel().tolist())


def _noise(height, width, seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (height, width, 4), np.uint8)
    pixels[..., 3] = 255
    return pixels


@pytest.mark.parametrize("turn", TURNS)
@pytest.mark.parametrize("crop", [(0, 0, 64, 40), (8, 4, 48, 32)], ids=["whole", "cropped"])
def test_crop_rotation_and_packing_are_exact(gl, turn, crop):
    frame = _noise(40, 64)
    left, top, width, height = crop
    cut = frame[top : top + height, left : left + width]
    expected = TURNS[turn](cut) ^ np.uint8(0x80)
    part = (left / 64, top / 40, width / 64, height / 40)
    assert np.array_equal(_draw(gl, "pack.frag", expected.shape[:2], {"frame": frame}, {"toFrame": _to_frame(turn, part)}), expected)


def test_every_byte_is_packed_as_its_code(gl):
    frame = np.zeros((1, 256, 4), np.uint8)
    frame[0, :, 0] = frame[0, ::-1, 1] = np.arange(256)
    packed = _draw(gl, "pack.frag", (1, 256), {"frame": frame}, {"toFrame": _to_frame(0, (0, 0, 1, 1))}).view(np.int8)
    assert np.array_equal(packed[0, :, 0], np.arange(-128, 128))
    assert np.array_equal(packed[0, :, 1], np.arange(127, -129, -1))
    assert (packed[..., 3] == 127).all()


def test_a_whole_1080p_frame_is_exact(gl):
    frame = _noise(1088, 1920)
    assert np.array_equal(_draw(gl, "pack.frag", (1088, 1920), {"frame": frame}, {"toFrame": _to_frame(0, (0, 0, 1, 1))}), frame ^ np.uint8(0x80))


def test_scaling_to_half_is_the_mean_of_four_pixels_within_one_code(gl):
    frame = _noise(40, 64)
    packed = _draw(gl, "pack.frag", (20, 32), {"frame": frame}, {"toFrame": _to_frame(0, (0, 0, 1, 1))}) ^ np.uint8(0x80)
    mean = frame.reshape(20, 2, 32, 2, 4).mean(axis=(1, 3))
    assert np.abs(packed - mean).max() <= 1


def _split(gl, size, before, after, **changed):
    """What the screen shows, upright: glReadPixels begins with its last row. before, after: pixels."""
    uniforms = {"line": 0.5, "strength": 1.0, "halfWidth": 0.0, "toPicture": _to_picture(), **changed}
    textures = {"before": before ^ np.uint8(0x80), "after": after ^ np.uint8(0x80)}
    return _draw(gl, "split.frag", size, textures, uniforms)[::-1].astype(int)


@pytest.mark.parametrize(("line", "strength"), [(0.5, 1.0), (0.25, 0.4), (0.0, 0.7), (1.0, 1.0)])
def test_the_split_view_is_within_one_code(gl, line, strength):
    before, after = _noise(40, 64, 1), _noise(40, 64, 2)
    shown = _split(gl, (40, 64), before, after, line=line, strength=strength)
    left = ((np.arange(64) + 0.5) / 64 < line)[None, :, None]
    expected = np.where(left, before, before + strength * (after.astype(float) - before))
    expected[..., 3] = 255
    assert np.abs(shown - expected).max() <= 1
    assert np.array_equal(shown[:, left[0, :, 0]], before[:, left[0, :, 0]])


@pytest.mark.parametrize("turn", TURNS)
def test_the_picture_is_turned_back_for_the_screen(gl, turn):
    before, after = _noise(40, 64, 1), _noise(40, 64, 2)
    expected = TURNS[turn](after)
    assert np.array_equal(_split(gl, expected.shape[:2], before, after, line=0.0, toPicture=_to_picture(turn)), expected)


@pytest.mark.parametrize("size", [(80, 128), (25, 40), (61, 50)], ids=["larger", "smaller", "out of shape"])
def test_on_a_screen_of_another_size_pixels_are_mixed_not_codes(gl, size):
    """Against OpenCV's bilinear sampling; codes mixed before their sign bits are flipped back would be off by up to 128."""
    before, after = _noise(40, 64, 1), _noise(40, 64, 2)
    shown = _split(gl, size, before, after, line=0.5)
    sampled = [cv2.resize(picture.astype(np.float32), size[::-1], interpolation=cv2.INTER_LINEAR) for picture in (before, after)]
    expected = np.where(((np.arange(size[1]) + 0.5) / size[1] < 0.5)[None, :, None], *sampled)
    assert np.abs(shown - expected).max() <= 1


def test_the_line_is_white_and_where_it_was_put(gl):
    dark = np.zeros((4, 64, 4), np.uint8)
    shown = _split(gl, (4, 64), dark, dark, halfWidth=1 / 64)
    white = (shown[..., :3] == 255).all(axis=(0, 2))
    assert list(np.flatnonzero(white)) == [31, 32]


def test_the_cameras_own_sampler_is_taken_where_it_is_asked_for():
    """The sampler samplerExternalOES is of phones alone: that the text asks for it, and how."""
    text = (SHADERS / "pack.frag").read_text()
    assert text.startswith("#version 300 es\n")  # LiveRenderer.kt puts `#define CAMERA` after it
    assert "uniform samplerExternalOES frame;" in text
    assert text.index("#ifdef CAMERA") < text.index("#extension GL_OES_EGL_image_external_essl3 : require")
