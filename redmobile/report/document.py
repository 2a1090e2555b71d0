"""A JSON document that is read place by place: every value knows where it stands, so that errors and figures can name it."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from redmobile.core.artifact import sha256_file
from redmobile.core.results import read_json
from redmobile.errors import DocumentError
from redmobile.report.figures import Figure, Unit

_NOT_FINITE = {"inf", "-inf", "nan"}
"""How core.results writes floats that JSON has no number for."""


@dataclasses.dataclass(frozen=True)
class Place:
    """A value in a document. path: e.g. 'stages[0].time.p50_ms'; '' for the whole."""

    value: Any
    file: str
    path: str = ""

    def __getitem__(self, key: str) -> Place:
        """What stands under `key`. Raises DocumentError if nothing does."""
        found = self.get(key)
        if found is None:
            raise DocumentError(f"{self.file}: '{self._below(key)}' is missing or null; a value was expected there.")
        return found

    def get(self, key: str) -> Place | None:
        """What stands under `key`; None if it is missing or null. Raises DocumentError if there are no keys here."""
        if not isinstance(self.value, dict):
            raise self._unexpected("an object")
        value = self.value.get(key)
        return None if value is None else Place(value, self.file, self._below(key))

    def items(self) -> list[Place]:
        """The entries of a list. Raises DocumentError."""
        if not isinstance(self.value, list):
            raise self._unexpected("a list")
        return [Place(value, self.file, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def entries(self) -> dict[str, Place]:
        """Key → place of an object, without nulls. Raises DocumentError."""
        if not isinstance(self.value, dict):
            raise self._unexpected("an object")
        return {key: Place(value, self.file, self._below(key)) for key, value in self.value.items() if value is not None}

    def many(self, key: str) -> list[Place]:
        """The entries of the list under `key`, none if it is missing. Raises DocumentError."""
        found = self.get(key)
        return [] if found is None else found.items()

    def text(self) -> str:
        """Raises DocumentError if it is no text."""
        if not isinstance(self.value, str):
            raise self._unexpected("a text")
        return self.value

    def number(self) -> float:
        """Raises DocumentError if it is no number."""
        if isinstance(self.value, str) and self.value in _NOT_FINITE:
            return float(self.value)
        if isinstance(self.value, bool) or not isinstance(self.value, int | float):
            raise self._unexpected("a number")
        return self.value

    def flag(self) -> bool:
        """Raises DocumentError if it is not true or false."""
        if not isinstance(self.value, bool):
            raise self._unexpected("true or false")
        return self.value

    def numbers(self) -> list[float]:
        """The numbers of a list. Raises DocumentError."""
        return [entry.number() for entry in self.items()]

    def texts(self) -> list[str]:
        """The texts of a list. Raises DocumentError."""
        return [entry.text() for entry in self.items()]

    def figure(self, key: str, label: str, unit: Unit = "plain") -> Figure:
        """The number under `key`, whose value is None if it is missing or null. Raises DocumentError if it is something else."""
        found = self.get(key)
        return Figure(label, None if found is None else found.number(), unit, self._below(key))

    def figures(self, units: Mapping[str, Unit]) -> list[Figure]:
        """The numbers under the keys of `units`, as `figure` gives them, labelled with the keys."""
        return [self.figure(key, key, unit) for key, unit in units.items()]

    def as_figure(self, label: str, unit: Unit = "plain") -> Figure:
        """The number that stands here. Raises DocumentError."""
        return Figure(label, self.number(), unit, self.path)

    def _below(self, key: str) -> str:
        return f"{self.path}.{key}" if self.path else key

    def _unexpected(self, expected: str) -> DocumentError:
        kinds = {dict: "an object", list: "a list", str: "a text", bool: "true or false", type(None): "null"}
        found = kinds.get(type(self.value), "a number")
        return DocumentError(f"{self.file}: '{self.path or 'the document'}' is {found}; {expected} was expected.")


def open_document(path: Path) -> tuple[Place, str]:
    """The document at `path`, and its sha256. Raises InputError, DocumentError."""
    return Place(read_json(path), str(path)), sha256_file(path)
