"""Java class files: what a class is, has, and refers to. Format: Java Virtual Machine Specification, chapter 4."""

from __future__ import annotations

import dataclasses
import struct
from collections.abc import Iterator
from typing import Any

from redmobile.errors import InputError

Member = tuple[str, str]
"""(name, descriptor) of a field or method."""

_MAGIC = 0xCAFEBABE
_UTF8, _CLASS = 1, 7
_MEMBER_TAGS = (9, 10, 11)
_NAME_AND_TYPE = 12
_SIZES = {3: 4, 4: 4, 5: 8, 6: 8, 7: 2, 8: 2, 9: 4, 10: 4, 11: 4, 12: 4, 15: 3, 16: 2, 17: 4, 18: 4, 19: 2, 20: 2}
"""Tag of a constant → bytes that follow it."""

_TWO_SLOTS = (5, 6)


@dataclasses.dataclass(frozen=True)
class ClassFile:
    """name, parents (superclass first): with slashes. members: declared fields and methods. classes, uses: what the constants refer to."""

    name: str
    parents: tuple[str, ...]
    members: frozenset[Member]
    classes: frozenset[str]
    uses: frozenset[tuple[str, Member]]


def read_class(data: bytes, label: str = "class") -> ClassFile:
    """Parse one class file. Raises InputError."""
    try:
        return _Reader(data).read()
    except (struct.error, IndexError, KeyError, UnicodeDecodeError) as error:
        raise InputError(f"{label}: no Java class file, or a damaged one ({error}).") from error


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0
        self._pool: dict[int, tuple[int, Any]] = {}

    def read(self) -> ClassFile:
        if self._take(">I") != _MAGIC:
            raise KeyError("no magic number")
        self._at = 8
        self._read_pool()
        self._at += 2
        name, parent = self._class(self._take(">H")), self._take(">H")
        interfaces = [self._class(self._take(">H")) for _ in range(self._take(">H"))]
        members = [*self._members(), *self._members()]
        parents = (*([self._class(parent)] if parent else []), *interfaces)
        return ClassFile(name, parents, frozenset(members), frozenset(self._classes()), frozenset(self._uses()))

    def _read_pool(self) -> None:
        index, count = 1, self._take(">H")
        while index < count:
            tag = self._take(">B")
            length = self._take(">H") if tag == _UTF8 else _SIZES[tag]
            self._pool[index] = (tag, self._data[self._at : self._at + length])
            self._at += length
            index += 2 if tag in _TWO_SLOTS else 1

    def _members(self) -> Iterator[Member]:
        for _ in range(self._take(">H")):
            self._at += 2
            name, descriptor = self._take(">H"), self._take(">H")
            for _ in range(self._take(">H")):
                self._at += 2
                length = self._take(">I")
                self._at += length
            yield self._text(name), self._text(descriptor)

    def _classes(self) -> Iterator[str]:
        for index, (tag, _) in self._pool.items():
            if tag == _CLASS:
                yield _element(self._class(index))

    def _uses(self) -> Iterator[tuple[str, Member]]:
        for tag, data in self._pool.values():
            if tag in _MEMBER_TAGS:
                owner, pair = struct.unpack(">HH", data)
                name, descriptor = struct.unpack(">HH", self._constant(pair, _NAME_AND_TYPE))
                yield _element(self._class(owner)), (self._text(name), self._text(descriptor))

    def _class(self, index: int) -> str:
        return self._text(struct.unpack(">H", self._constant(index, _CLASS))[0])

    def _text(self, index: int) -> str:
        # Modified UTF-8: surrogates come one by one, which no name of a class or member here has.
        return self._constant(index, _UTF8).decode("utf-8", "surrogatepass")

    def _constant(self, index: int, tag: int) -> bytes:
        found, data = self._pool[index]
        if found != tag:
            raise KeyError(f"constant {index} is of kind {found}, not {tag}")
        return bytes(data)

    def _take(self, form: str) -> int:
        (value,) = struct.unpack_from(form, self._data, self._at)
        self._at += struct.calcsize(form)
        return int(value)


def _element(name: str) -> str:
    """The class of an array's elements: '[Landroid/view/View;' → 'android/view/View'."""
    return name.lstrip("[").removeprefix("L").removesuffix(";") if name.startswith("[") else name
