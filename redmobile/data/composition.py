"""Compositions of degradations, as data: recipes drawn by weight, steps drawn by probability."""

from __future__ import annotations

import bisect
import itertools
from pathlib import Path
from typing import Any

import msgspec
import numpy as np

from redmobile.core.documents import Document, load_toml
from redmobile.core.metrics import Frame
from redmobile.data import degradations
from redmobile.data.degradation import DEGRADATIONS, Degradation
from redmobile.errors import InputError, UsageError

KIND, PROBABILITY = "kind", "probability"

_FOLDER = Path(degradations.__path__[0])


class Recipe(Document):
    """One way to degrade a picture: `steps` one after the other. weight: how often it is drawn, against those of the other recipes.

    A step is a table: `kind`, the name of a degradation; `probability`, 1 unless given; and the fields of that degradation.
    """

    steps: tuple[dict[str, Any], ...]
    weight: float = 1.0

    def __post_init__(self) -> None:
        """Refuse what no degradation takes. Raises ValueError, which the document's reader turns into a DocumentError."""
        if not self.weight > 0:
            raise ValueError(f"weight must be positive, found {self.weight}")
        for step in self.steps:
            _degradation(step)


class Composition(Document):
    """A TOML of recipes. says: one sentence for lists."""

    recipe: tuple[Recipe, ...]
    says: str = ""


class Degrader:
    """Recipes, ready to work: (picture, random generator) → (degraded, what it should be restored to), (H, W, 3) uint8 each."""

    def __init__(self, recipes: tuple[Recipe, ...]) -> None:
        self._limits = list(itertools.accumulate(recipe.weight for recipe in recipes))
        self._recipes = [[_degradation(step) for step in recipe.steps] for recipe in recipes]

    def __call__(self, clean: Frame, rng: np.random.Generator) -> tuple[Frame, Frame]:
        """One recipe, drawn by weight, on `clean`."""
        drawn = bisect.bisect_right(self._limits, rng.random() * self._limits[-1])
        picture = clean
        for probability, degradation in self._recipes[min(drawn, len(self._recipes) - 1)]:
            if probability >= 1 or rng.random() < probability:
                picture, clean = degradation.pair(picture, clean, rng)
        return picture, clean


def single(degradation: Degradation) -> Recipe:
    """The recipe of one step that always happens."""
    name = next(name for name in DEGRADATIONS if DEGRADATIONS[name] is type(degradation))
    return Recipe(steps=({KIND: name, **msgspec.to_builtins(degradation)},))


def composition_names() -> list[str]:
    """What `recipes_of` knows by name: the compositions that come along, then the single degradations."""
    return [*sorted(path.stem for path in _FOLDER.glob("*.toml")), *DEGRADATIONS]


def recipes_of(name: str) -> tuple[Recipe, ...]:
    """The recipes of a composition that comes along (`all`), of a single degradation (`blur`), or of a TOML file of the user's own.

    Raises UsageError (unknown name), InputError, DocumentError.
    """
    if name in DEGRADATIONS.names():
        return (Recipe(steps=({KIND: name},)),)
    own = Path(name)
    path = own if own.suffix == ".toml" else _FOLDER / f"{name}.toml"
    if path is not own and not path.is_file():
        raise UsageError(f"Unknown degradation '{name}'. Known: {', '.join(composition_names())}; or the path of a .toml of your own.")
    recipes = load_toml(path, Composition).recipe
    if not recipes:
        raise InputError(f"{path}: holds no [[recipe]].")
    return recipes


def _degradation(step: dict[str, Any]) -> tuple[float, Degradation]:
    """(probability, degradation) of a step's table. Raises ValueError."""
    fields = dict(step)
    kind, probability = fields.pop(KIND, None), fields.pop(PROBABILITY, 1.0)
    found = DEGRADATIONS.get(kind) if isinstance(kind, str) else None
    if found is None:
        raise ValueError(f"a step needs a kind, one of {', '.join(DEGRADATIONS)}; found {kind!r}")
    if not isinstance(probability, int | float) or not 0 <= probability <= 1:
        raise ValueError(f"the probability of {kind} must lie in 0 … 1, found {probability!r}")
    try:
        return float(probability), msgspec.convert(fields, found)
    except msgspec.ValidationError as error:
        raise ValueError(f"{kind}: {error}; its fields: {', '.join(found.__struct_fields__)}") from error
