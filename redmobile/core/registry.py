"""A registry whose entries are the files of a folder: putting a file there registers what it holds."""

from __future__ import annotations

import importlib
import pkgutil
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from redmobile.errors import UsageError

T = TypeVar("T")


class Registry(Generic[T]):
    """Named things of one kind. `package` is imported, file by file, the first time anything is looked up.

    A second entry under one name raises ValueError: it is a mistake in the code, not of a user.
    """

    def __init__(self, kind: str, package: str) -> None:
        self.kind = kind
        self._package = package
        self._entries: dict[str, T] = {}
        self._loaded = False

    def register(self, *entry_names: str) -> Callable[[T], T]:
        """Decorator that enters what it decorates under each of `entry_names`."""

        def enter(entry: T) -> T:
            for name in entry_names:
                if name in self._entries:
                    raise ValueError(f"{self.kind} '{name}' is registered twice: {self._entries[name]!r} and {entry!r}")
                self._entries[name] = entry
            return entry

        return enter

    def names(self) -> list[str]:
        """All names, sorted."""
        self._load()
        return sorted(self._entries)

    def get(self, name: str) -> T | None:
        """The entry called `name`, or None."""
        self._load()
        return self._entries.get(name)

    def __getitem__(self, name: str) -> T:
        entry = self.get(name)
        if entry is None:
            raise UsageError(f"Unknown {self.kind} '{name}'. Known: {', '.join(self.names())}.")
        return entry

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def _load(self) -> None:
        if self._loaded:
            return
        package = importlib.import_module(self._package)
        for module in pkgutil.iter_modules(package.__path__):
            importlib.import_module(f"{self._package}.{module.name}")
        self._loaded = True
