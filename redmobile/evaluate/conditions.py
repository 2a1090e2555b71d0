"""What photographs are put through to see whether a network repairs it."""

from __future__ import annotations

from collections.abc import Sequence

from redmobile.data.composition import Degrader, Recipe, recipes_of, single
from redmobile.data.degradations.blur import Blur
from redmobile.data.degradations.jpeg import Jpeg
from redmobile.data.degradations.low_light import LowLight
from redmobile.data.degradations.low_resolution import LowResolution
from redmobile.data.degradations.medical_contrast import MedicalContrast
from redmobile.data.degradations.old_photo import OldPhoto

ALL = "all"

STANDARD: dict[str, Recipe] = {
    "low_light": single(LowLight()),
    "blur": single(Blur(kinds=("gaussian",), sigma=(1.5, 1.5))),
    "low_resolution": single(LowResolution(factor=(2.0, 2.0), down=("area",), up=("bicubic",))),
    "old_photo": single(OldPhoto(monochrome=0.0, fading=1.0, sepia=0.0, stains=0.0, creases=0.0, scratched=1.0, dusty=0.0)),
    "medical_contrast": single(MedicalContrast()),
    "jpeg": single(Jpeg(quality=(30.0, 30.0))),
    "nothing": Recipe(steps=()),
}
"""Name → recipe: fixed strengths, so that figures can be compared. `nothing` shows what becomes of pictures that need no repair."""


def conditions_of(names: Sequence[str]) -> dict[str, Degrader]:
    """Name → what makes its pictures. `all`: each of STANDARD; a name of STANDARD; else a composition or a TOML (redmobile/data/composition.py).

    Raises UsageError, InputError, DocumentError.
    """
    found: dict[str, tuple[Recipe, ...]] = {}
    for name in names:
        if name == ALL:
            found |= {standard: (recipe,) for standard, recipe in STANDARD.items()}
        else:
            found[name] = (STANDARD[name],) if name in STANDARD else recipes_of(name)
    return {name: Degrader(recipes) for name, recipes in found.items()}
