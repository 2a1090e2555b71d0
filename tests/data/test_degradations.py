"""Every degradation: seeded, the same dtype out, the formula of its docstring; refused where it makes no sense."""

import cv2
import numpy as np
import pytest

from redmobile.core.documents import from_dict
from redmobile.core.metrics import psnr
from redmobile.data.composition import Composition, Degrader, Recipe, composition_names, recipes_of, single
from redmobile.data.degradation import DEGRADATIONS, grey, smooth_noise
from redmobile.data.degradations.blur import Blur, disc, streak
from redmobile.data.degradations.jpeg import Jpeg
from redmobile.data.degradations.low_resolution import LowResolution
from redmobile.data.degradations.medical_contrast import MedicalContrast
from redmobile.data.degradations.old_photo import OldPhoto
from redmobile.errors import DocumentError, InputError, UsageError

NO_DAMAGE = {"monochrome": 0.0, "fading": 0.0, "sepia": 0.0, "stains": 0.0, "creases": 0.0, "scratched": 0.0, "dusty": 0.0}


def _rng(seed=0):
    return np.random.default_rng(seed)


@pytest.fixture
def photo():
    """(120, 160, 3): smooth colours with hard edges on them."""
    rng = _rng(5)
    smooth = np.stack([smooth_noise((120, 160), 30, rng) for _ in range(3)], axis=2)
    smooth[40:80, 50:110] = 1 - smooth[40:80, 50:110]
    return np.rint(smooth * 235 + 10).astype(np.uint8)


@pytest.mark.parametrize("kind", DEGRADATIONS.names())
def test_same_seed_same_picture_in_every_dtype(kind, photo):
    degrade = DEGRADATIONS[kind]()
    for picture in (photo, photo.astype(np.float32) / 255, photo.astype(np.float64) / 255):
        kept = picture.copy()
        first, second, other = degrade(picture, _rng(3)), degrade(picture, _rng(3)), degrade(picture, _rng(4))
        assert np.array_equal(picture, kept), "the picture that was given has changed"
        assert first.dtype == picture.dtype
        assert first.shape == picture.shape
        assert np.array_equal(first, second)
        assert not np.array_equal(first, other)
        assert first.min() >= 0
        assert first.max() <= (255 if picture.dtype == np.uint8 else 1)


@pytest.mark.parametrize("kind", DEGRADATIONS.names())
def test_floats_and_bytes_tell_the_same_story(kind, photo):
    degrade = DEGRADATIONS[kind]()
    from_floats = np.rint(degrade(photo.astype(np.float32) / 255, _rng(8)) * 255).astype(np.uint8)
    if kind == "medical_contrast":  # bytes round the grey before the photons are counted, so other photons are drawn
        assert abs(float(from_floats.mean()) - float(degrade(photo, _rng(8)).mean())) < 1
    else:
        assert np.abs(from_floats.astype(int) - degrade(photo, _rng(8))).max() <= 1


@pytest.mark.parametrize("kind", DEGRADATIONS.names())
@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 64, 3), (64, 3, 3)])
def test_small_and_narrow_pictures_are_taken(kind, shape):
    picture = _rng().integers(0, 256, shape, np.uint8)
    for seed in range(6):
        assert DEGRADATIONS[kind]()(picture, _rng(seed)).shape == shape


def test_gaussian_blur_spreads_a_dot_as_its_formula_says():
    dot = np.zeros((31, 31, 3))
    dot[15, 15] = 1
    found = Blur(kinds=("gaussian",), sigma=(1.5, 1.5))(dot, _rng())[..., 0]
    down, right = np.mgrid[-15:16, -15:16]
    expected = np.exp(-(down**2 + right**2) / (2 * 1.5**2))
    assert np.abs(found - expected / expected.sum()).max() < 1e-3


@pytest.mark.parametrize("kernel", [disc(1.0), disc(3.7), streak(3.0, 0.4), streak(12.0, 2.5)])
def test_kernels_are_centred_and_keep_brightness(kernel):
    assert kernel.sum() == pytest.approx(1, abs=1e-6)
    assert np.allclose(kernel, kernel[::-1, ::-1], atol=1e-6)


def test_the_disc_has_the_area_of_a_disc_and_the_streak_its_length_and_direction():
    assert 1 / disc(4.0).max() == pytest.approx(np.pi * 16, rel=0.01)
    along_a_row = streak(9.0, 0.0)
    middle = along_a_row.shape[0] // 2
    assert along_a_row[middle].sum() == pytest.approx(1, abs=1e-6)
    assert (along_a_row[middle] > 0.9 / 9).sum() == 9


def test_low_resolution_at_a_whole_factor_is_opencvs(photo):
    found = LowResolution(factor=(2, 2), down=("area",), up=("bicubic",))(photo, _rng())
    small = cv2.resize(photo.astype(np.float32), (80, 60), interpolation=cv2.INTER_AREA)
    expected = np.clip(cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC), 0, 255)
    assert np.abs(found - expected).max() <= 0.51


def test_jpeg_is_opencvs_and_worse_at_lower_quality(photo):
    _, coded = cv2.imencode(".jpg", photo[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, 30])
    found = Jpeg(quality=(30, 30))(photo, _rng())
    assert np.array_equal(found, cv2.imdecode(coded, cv2.IMREAD_COLOR)[..., ::-1])
    assert psnr(photo, found) < psnr(photo, Jpeg(quality=(90, 90))(photo, _rng()))


def test_medical_contrast_is_grey_flat_and_as_noisy_as_poisson_says():
    white = np.full((200, 200, 3), 255, np.uint8)
    degrade = MedicalContrast(contrast=(0.4, 0.4), middle=(0.5, 0.5), photons=(500.0, 500.0))
    found = degrade(white.astype(np.float64) / 255, _rng())
    assert np.array_equal(found[..., 0], found[..., 2])
    assert found.mean() == pytest.approx(0.7, abs=1e-3)
    assert found.std() == pytest.approx((0.7 / 500) ** 0.5, rel=0.02)


def test_what_cannot_be_restored_is_not_asked_for(photo):
    degraded, target = MedicalContrast().pair(photo, photo, _rng())
    assert np.array_equal(target, grey(photo))
    assert np.array_equal(degraded[..., 0], degraded[..., 1])
    assert np.array_equal(Blur().pair(photo, photo, _rng())[1], photo)
    _, target = OldPhoto(monochrome=1.0).pair(photo, photo, _rng())
    assert np.array_equal(target, grey(photo))
    _, target = OldPhoto(monochrome=0.0).pair(photo, photo, _rng())
    assert np.array_equal(target, photo)


def test_an_old_photograph_without_damage_is_itself(photo):
    assert np.array_equal(OldPhoto(**NO_DAMAGE)(photo, _rng()), photo)


def test_fading_lifts_black_and_dims_white():
    picture = np.zeros((8, 8, 3), np.uint8)
    picture[4:] = 255
    degrade = OldPhoto(**NO_DAMAGE | {"fading": 1.0}, black=(0.2, 0.2), white=(0.8, 0.8))
    found = degrade(picture, _rng()) / 255
    assert np.allclose(found[:4], 0.2, atol=0.003)
    assert np.all((found[4:] > 0.6) & (found[4:] < 0.803))


def test_full_sepia_is_the_matrix_of_w3c():
    picture = np.full((4, 4, 3), (0.2, 0.5, 0.3))
    found = OldPhoto(**NO_DAMAGE | {"sepia": 1.0}, tone=(1.0, 1.0))(picture, _rng())
    assert np.allclose(found[0, 0], [0.5198, 0.4632, 0.3607], atol=1e-3)


@pytest.mark.parametrize("damage", ["scratched", "dusty", "creases", "stains"])
def test_each_local_damage_leaves_most_of_the_picture_alone(damage):
    picture = np.full((256, 256, 3), 128, np.uint8)
    seen = [(OldPhoto(**NO_DAMAGE | {damage: 1.0})(picture, _rng(seed)) != picture).any(axis=2).mean() for seed in range(8)]
    assert max(seen) > 0.002
    assert np.median(seen) < 0.5


def test_noise_can_be_as_loud_as_the_signal():
    from redmobile.data.degradations.low_light import LowLight

    def dark(snr_db):
        ranges = {"gamma": (1.0, 1.0), "gain": (0.3, 0.3), "cast": 0.0}
        return LowLight(**ranges, snr_db=(snr_db, snr_db))(np.full((128, 128, 3), 200, np.uint8), _rng(1)).astype(float)

    quiet, noisy = dark(200.0), dark(0.0)
    assert 10 * np.log10(np.square(quiet).mean() / np.square(noisy - quiet).mean()) == pytest.approx(2, abs=1)


def test_recipes_are_drawn_by_weight_and_steps_by_probability(photo):
    recipes = (
        Recipe(weight=3.0, steps=()),
        Recipe(weight=1.0, steps=({"kind": "jpeg", "quality": [5, 5], "probability": 0.5},)),
    )
    degrade = Degrader(recipes)
    changed = sum(not np.array_equal(*degrade(photo, _rng(seed))) for seed in range(400))
    assert 400 / 8 * 0.6 < changed < 400 / 8 * 1.5


def test_steps_follow_each_other_and_carry_the_target_along(photo):
    steps = ({"kind": "medical_contrast"}, {"kind": "blur", "kinds": ["gaussian"], "sigma": [1.0, 1.0]})
    degraded, target = Degrader((Recipe(steps=steps),))(photo, _rng(2))
    rng = _rng(2)
    rng.random()  # which recipe
    assert np.array_equal(degraded, Blur(kinds=("gaussian",), sigma=(1.0, 1.0))(MedicalContrast()(photo, rng), rng))
    assert np.array_equal(target, grey(photo))


def test_a_single_degradation_keeps_its_ranges(photo):
    blur = Blur(kinds=("defocus",), radius=(3.0, 3.0))
    assert np.array_equal(Degrader((single(blur),))(photo, _rng())[0], blur(photo, _rng()))


def test_everything_that_comes_along_by_name_works(photo):
    assert {"all", "blur", "jpeg", "low_light", "low_resolution", "medical_contrast", "old_photo"} <= set(composition_names())
    for name in composition_names():
        assert Degrader(recipes_of(name))(photo, _rng())[0].shape == photo.shape
    kinds = {step["kind"] for recipe in recipes_of("all") for step in recipe.steps}
    assert kinds == set(DEGRADATIONS.names())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[[recipe]]\nsteps = [{ kind = "bluur" }]', r"one of blur, jpeg"),
        ('[[recipe]]\nsteps = [{ kind = "blur", sigmas = [1, 2] }]', r"sigmas.*its fields: kinds, sigma"),
        ('[[recipe]]\nsteps = [{ kind = "blur", sigma = [2, 1] }]', r"sigma must be \[lowest, highest\]"),
        ('[[recipe]]\nsteps = [{ kind = "blur", sigma = [0, 1] }]', r"blur: Expected `float` > 0"),
        ('[[recipe]]\nsteps = [{ kind = "jpeg", probability = 1.5 }]', r"probability of jpeg must lie in 0 … 1"),
        ('[[recipe]]\nsteps = [{ kind = "low_resolution", factor = [0.5, 2] }]', r">= 1"),
        ("[[recipe]]\nsteps = []\nweight = 0", r"weight must be positive"),
        ('says = "nothing"\nrecipe = []', r"no \[\[recipe\]\]"),
    ],
)
def test_a_composition_that_makes_no_sense_is_refused_in_one_line(tmp_path, text, words):
    (tmp_path / "mine.toml").write_text(text)
    with pytest.raises((DocumentError, InputError), match=words) as caught:
        recipes_of(str(tmp_path / "mine.toml"))
    assert "mine.toml" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_unknown_names_come_with_the_known_ones():
    with pytest.raises(UsageError, match=r"Unknown degradation 'rain'. Known: all, blur"):
        recipes_of("rain")
    with pytest.raises(InputError, match=r"absent\.toml"):
        recipes_of("absent.toml")


def test_a_composition_survives_its_own_json():
    composition = Composition(recipe=recipes_of("all"))
    import msgspec

    assert from_dict(msgspec.json.decode(msgspec.json.encode(composition)), Composition, "again") == composition
