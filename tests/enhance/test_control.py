"""Strength, regions and enlarging: a blend that is what its formula says."""

import cv2
import numpy as np
import pytest
from enhance_models import gain_file, load, photo_like

from redmobile.data.frames import Image
from redmobile.data.video import rewrite_video
from redmobile.enhance.auto_strength import auto_strength
from redmobile.enhance.batch import Settings, enhance_all
from redmobile.enhance.control import Control, enhance_image
from redmobile.enhance.jobs import Job
from redmobile.enhance.regions import REGIONS, region_mask
from redmobile.enhance.tasks import model_for
from redmobile.errors import UsageError


def _even(value, size=(120, 160)):
    return np.full((*size, 3), value, np.uint8)


@pytest.fixture
def model(tmp_path):
    return load(gain_file(tmp_path / "gain.onnx", 2.0))


def test_dark_pictures_get_all_and_bright_ones_nothing():
    assert auto_strength(_even(10)) == 1
    assert auto_strength(_even(130)) == 0
    assert 0.2 < auto_strength(_even(42)) < 0.8
    strengths = [auto_strength(_even(value)) for value in range(20, 120, 4)]
    assert strengths == sorted(strengths, reverse=True)
    stage = _even(5)
    stage[30:90, 20:80] = 230
    assert auto_strength(stage) == 0, "what is well lit before a dark background stays"


def test_noise_alone_does_not_make_a_picture_bright():
    noise = np.random.default_rng(0).normal(12, 40, (400, 600, 3))
    assert auto_strength(np.clip(noise, 0, 255).astype(np.uint8)) == pytest.approx(1, abs=0.05)


def test_a_bright_picture_comes_back_as_it_was(model):
    bright = Image(photo_like(64, 96) // 4 + 150)
    assert np.array_equal(enhance_image(model, bright, Control(auto=True)).frame, bright.frame)


@pytest.mark.parametrize("strength", [0.0, 0.4, 1.0, 1.5])
def test_strength_blends_and_goes_on_beyond_the_network(model, strength):
    frame = _even(60, (64, 96))
    assert np.abs(enhance_image(model, Image(frame), Control(strength)).frame - 60 * (1 + strength)).max() <= 0.5


def test_shadows_and_highlights_are_where_they_are_and_share_no_pixel():
    frame = _even(10)
    frame[:, 80:] = 240
    shadows, highlights = region_mask("shadows", frame), region_mask("highlights", frame)
    assert shadows.dtype == np.float32
    assert shadows.shape == (120, 160)
    assert shadows[:, :60].min() > 0.95
    assert shadows[:, 100:].max() < 0.05
    assert highlights[:, 100:].min() > 0.95
    assert highlights[:, :60].max() < 0.05
    assert (shadows + highlights).max() < 1.05


def test_a_smooth_bright_top_is_taken_for_sky_and_a_rough_one_is_not():
    rng = np.random.default_rng(0)
    frame = np.clip(rng.normal(60, 30, (240, 320, 3)), 0, 255).astype(np.uint8)
    frame[:100] = (120, 160, 220)
    sky = region_mask("sky", frame)
    assert sky[:85].min() > 0.9
    assert sky[120:].max() < 0.05
    rough = cv2.resize(rng.integers(0, 256, (60, 80, 3), np.uint8), (320, 240), interpolation=cv2.INTER_NEAREST)
    assert region_mask("sky", rough).mean() < 0.1


def test_focus_changes_a_region_alone_and_protect_everything_else(model):
    frame = _even(10, (128, 192))
    frame[:, 96:] = 120
    focused = enhance_image(model, Image(frame), Control(focus=("shadows",))).frame
    assert np.array_equal(focused[:, :60], frame[:, :60] * 2)
    assert np.abs(focused[:, 150:].astype(int) - 120).max() <= 25, "120 of 255 is not quite out of the shadows"
    protected = enhance_image(model, Image(frame), Control(protect=("shadows",))).frame
    assert np.array_equal(protected[:, :60], frame[:, :60])
    assert protected[:, 150:].min() > 190


def test_16_bits_stay_16_bits_under_a_mask(model):
    deep = np.full((64, 96, 3), 2600, np.uint16)
    deep[:, 48:] = 40000
    image = Image(((deep.astype(np.uint32) + 128) // 257).astype(np.uint8), deep=deep)
    made = enhance_image(model, image, Control(focus=("shadows",)))
    assert made.deep.dtype == np.uint16
    assert np.abs(made.deep[:, :20].astype(int) - 5200).max() < 140
    assert np.abs(made.deep[:, 80:].astype(int) - 40000).max() < 2000


def test_enlarging_doubles_picture_and_alpha(model):
    frame = photo_like(30, 40)
    made = enhance_image(model, Image(frame, alpha=np.full((30, 40), 200, np.uint8)), Control(0.0, enlarge=True))
    assert made.frame.shape == (60, 80, 3)
    assert made.alpha.shape == (60, 80)
    assert np.array_equal(made.frame, cv2.resize(frame, (80, 60), interpolation=cv2.INTER_CUBIC))


def test_faces_are_found_with_the_detector_of_scikit_image():
    data = pytest.importorskip("skimage.data", reason="needs the extra 'faces'")
    astronaut = data.astronaut()
    mask = region_mask("faces", astronaut)
    assert mask[60:170, 180:270].mean() > 0.7
    assert mask[300:].mean() < 0.1
    dark = (astronaut * 0.12).astype(np.uint8)
    assert region_mask("faces", dark)[60:170, 180:270].mean() > 0.5


def test_unknown_and_contradicting_regions_are_refused():
    with pytest.raises(UsageError, match=r"Unknown region 'hair'\. Known: faces, highlights, shadows, sky"):
        Control(protect=("hair",))
    with pytest.raises(UsageError, match="'sky' cannot be protected and be the subject"):
        Control(protect=("sky",), focus=("sky",))
    assert set(REGIONS) == {"faces", "highlights", "shadows", "sky"}


def test_videos_refuse_regions_and_follow_brightness_slowly(model, tmp_path):
    import av

    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10, options={"crf": "1"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv444p"
        for index in range(8):
            frame = av.VideoFrame.from_ndarray(_even(20 if index < 4 else 130, (48, 64)), format="rgb24")
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode():
            container.mux(packet)
    job = Job(tmp_path / "clip.mp4", tmp_path / "out.mp4")
    (refused,) = enhance_all([job], model, Settings(control=Control(focus=("sky",))))
    assert "for pictures, not for videos" in str(refused.error)
    (done,) = enhance_all([job], model, Settings(control=Control(auto=True), crf=1))
    assert done.error is None
    seen = []
    rewrite_video(tmp_path / "out.mp4", tmp_path / "again.mp4", lambda frame: seen.append(float(frame.mean())) or frame)
    assert seen[0] == pytest.approx(40, abs=3)
    assert seen[4] > 230, "the first bright frame still has nearly the strength of the dark ones"
    assert seen[7] < seen[4] - 5 or seen[7] > 250


def test_a_task_needs_a_network_that_was_trained_for_it(tmp_path, monkeypatch):
    assert model_for("lowlight", None) == model_for("auto", None) == "red_mobile"
    assert model_for("deblur", "mine.tflite") == "mine.tflite"
    with pytest.raises(UsageError, match=r"--task medical: red_mobile_small was trained for lowlight only"):
        model_for("medical", "red_mobile_small")
    special = tmp_path / "models" / "red_mobile_xray"
    special.mkdir(parents=True)
    from redmobile.shelf import find

    text = (find("models", "red_mobile") / "model.toml").read_text()
    (special / "model.toml").write_text(text.replace("[input]", 'tasks = ["medical"]\n\n[input]'))
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    assert model_for("medical", None) == "red_mobile_xray"
