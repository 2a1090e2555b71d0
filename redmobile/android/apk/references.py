"""Is everything of Android that the app refers to there on the oldest phone it claims?

What is newer may stand only in classes whose name ends with `Api` and the level that has it (`HintsApi31`, also their inner classes), and
whoever refers to such a class must ask `Build.VERSION.SDK_INT` itself. Held against the platform's own classes, in which hidden members
are also found: that a member is public, nothing here can tell.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Iterator
from pathlib import Path

from redmobile.android.apk.class_files import ClassFile, Member, read_class

_PLATFORM = ("android/", "dalvik/", "org/json/")
"""Packages that android-all holds and the app may refer to. Java's own are held by the compiler (-Xjdk-release=1.8)."""

_GUARDED = re.compile(r"Api(\d{2})(?:\$.*)?$")
_SDK_INT = ("android/os/Build$VERSION", ("SDK_INT", "I"))


class Classes:
    """The classes of a jar, parsed when they are asked for."""

    def __init__(self, jar: Path) -> None:
        self._jar = zipfile.ZipFile(jar)
        self._names = {name.removesuffix(".class") for name in self._jar.namelist() if name.endswith(".class")}
        self._parsed: dict[str, ClassFile] = {}

    def __iter__(self) -> Iterator[ClassFile]:
        return (self[name] for name in sorted(self._names))

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __getitem__(self, name: str) -> ClassFile:
        if name not in self._parsed:
            self._parsed[name] = read_class(self._jar.read(f"{name}.class"), name)
        return self._parsed[name]


def find_faults(app: Path, oldest: Path, newest: Path, min_api: int) -> list[str]:
    """A sentence for each reference of the jar `app` that the platform of `min_api` (the jar `oldest`) lacks and that is not guarded.

    newest: the platform that the app is compiled against.
    """
    own, old, new = Classes(app), Classes(oldest), Classes(newest)
    faults = []
    for found in own:
        level = _GUARDED.search(found.name)
        platform = new if level else old
        api = f"the platform it is compiled against ({newest.name})" if level else f"API {min_api}"
        faults += [f"{found.name} refers to {what}, which {api} has not." for what in _missing(found, own, platform)]
        faults += [f"{found.name} uses {name} without asking Build.VERSION.SDK_INT." for name in _unguarded(found, own)]
    return faults


def _missing(found: ClassFile, own: Classes, platform: Classes) -> Iterator[str]:
    yield from sorted(name for name in found.classes if name.startswith(_PLATFORM) and name not in platform)
    for owner, member in sorted(found.uses):
        if (owner in own or owner in platform) and not _has(owner, member, own, platform):
            yield f"{owner}.{member[0]}{member[1]}"


def _has(owner: str, member: Member, own: Classes, platform: Classes) -> bool:
    """Whether a class or one of its parents has the member. Parents that are in neither jar are Java's own: those are taken on trust."""
    source = own if owner in own else platform
    if owner not in source:
        return not owner.startswith(_PLATFORM) and owner != "java/lang/Object"
    if member in source[owner].members or member in _OF_OBJECT:
        return True
    return any(_has(parent, member, own, platform) for parent in source[owner].parents)


def _unguarded(found: ClassFile, own: Classes) -> Iterator[str]:
    if _GUARDED.search(found.name) or _SDK_INT in found.uses:
        return
    yield from sorted(name for name in found.classes if name in own and _GUARDED.search(name))


_OF_OBJECT = frozenset(
    {
        ("equals", "(Ljava/lang/Object;)Z"),
        ("getClass", "()Ljava/lang/Class;"),
        ("hashCode", "()I"),
        ("notify", "()V"),
        ("notifyAll", "()V"),
        ("toString", "()Ljava/lang/String;"),
        ("wait", "()V"),
        ("wait", "(J)V"),
        ("clone", "()Ljava/lang/Object;"),
        ("finalize", "()V"),
    }
)
"""What every object has, also through an interface."""
