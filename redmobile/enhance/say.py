"""A sentence instead of flags: `brighten the shadows a little, leave the sky`. Offline, by a grammar; what it does not know is an error.

    sentence = clause { ("," | ";" | "." | "and" | "but" | "then") clause }
    clause   = ACTION [degree] [objects] [degree] | PROTECT objects
    objects  = region { ("and" | "or") region } | "everything" | "only" region
    degree   = "slightly" | "a little" | "a bit" | "gently" | "half" (0.5); "fully" (1); "strongly" | "much" | "a lot" (1.3), with "very" 1.5

    ACTION   brighten, lighten, enhance, improve, light up …  lowlight      PROTECT  leave, keep, protect, spare, do not touch
             sharpen, deblur, focus                           deblur        region   shadows, dark parts · highlights, lights, bright parts ·
             enlarge, upscale, double                         upscale                sky · faces, people
             restore, repair, fix                             restore
             automatically, "as needed"                       auto

An action on a region enhances that region alone; an action without one, or on everything, the whole picture. Articles and politeness are skipped.
"""

from __future__ import annotations

import dataclasses
import re

from redmobile.enhance.control import Control
from redmobile.errors import UsageError

_ACTIONS = {
    "brighten": "lowlight", "lighten": "lowlight", "enhance": "lowlight", "improve": "lowlight", "light": "lowlight", "relight": "lowlight",
    "sharpen": "deblur", "deblur": "deblur",
    "enlarge": "upscale", "upscale": "upscale", "double": "upscale",
    "restore": "restore", "repair": "restore", "fix": "restore",
}  # fmt: skip
_PROTECTS = frozenset({"leave", "keep", "protect", "spare", "not"})
_REGIONS = {
    "shadows": "shadows", "shadow": "shadows", "dark": "shadows", "darkness": "shadows",
    "highlights": "highlights", "highlight": "highlights", "lights": "highlights", "bright": "highlights",
    "sky": "sky", "skies": "sky",
    "faces": "faces", "face": "faces", "people": "faces", "person": "faces",
}  # fmt: skip
_WHOLE = frozenset({"everything", "all", "picture", "photo", "photograph", "image", "scene", "it", "whole"})
_DEGREES = {"slightly": 0.5, "little": 0.5, "bit": 0.5, "gently": 0.5, "half": 0.5, "fully": 1.0, "strongly": 1.3, "much": 1.3, "lot": 1.3}
_VERY = 1.5
_AUTO = frozenset({"automatically", "auto", "needed"})
_SKIPPED = frozenset(
    {"a", "an", "the", "my", "this", "that", "of", "in", "on", "only", "just", "please", "as", "is", "are", "it's", "alone", "unchanged", "untouched"}
    | {"them", "parts", "areas", "part", "up", "do", "touch", "change", "don't", "by", "so"}
)
_BREAKS = re.compile(r"[,;.!]|\b(?:but|then)\b")


@dataclasses.dataclass(frozen=True)
class Said:
    """What was understood. task: lowlight, deblur, upscale, restore or auto."""

    task: str
    control: Control

    def __str__(self) -> str:
        parts = [f"task {self.task}", f"strength {self.control.strength:g}"]
        parts += [f"only {' and '.join(self.control.focus)}"] if self.control.focus else []
        parts += [f"not {' and '.join(self.control.protect)}"] if self.control.protect else []
        return ", ".join(parts)


def understand(sentence: str) -> Said:
    """The controls that `sentence` asks for. Raises UsageError for a word that is not in the grammar, and for what contradicts itself."""
    found = _Reading()
    for clause in _clauses(sentence):
        found.take(clause)
    return found.said(sentence)


def _clauses(sentence: str) -> list[list[str]]:
    """Words by clause; `and` opens a new one where a verb follows."""
    clauses = []
    for part in _BREAKS.split(sentence.lower()):
        words = re.findall(r"[\w']+", part)
        start = 0
        for place, word in enumerate(words):
            if word in ("and", "or") and place + 1 < len(words) and (words[place + 1] in _ACTIONS or words[place + 1] in _PROTECTS | {"don't", "do"}):
                clauses.append(words[start:place])
                start = place + 1
        clauses.append(words[start:])
    return [clause for clause in clauses if clause]


class _Reading:
    """What the clauses so far have asked for."""

    def __init__(self) -> None:
        self._tasks: list[str] = []
        self._degrees: list[float] = []
        self._focus: list[str] = []
        self._protect: list[str] = []
        self._whole = self._auto = False

    def take(self, words: list[str]) -> None:
        protects = any(word in _PROTECTS or word == "don't" for word in words)
        regions: list[str] = []
        for place, word in enumerate(words):
            if word in _REGIONS:
                regions.append(_REGIONS[word])
            elif word in _ACTIONS and not protects:
                self._tasks.append(_ACTIONS[word])
            elif word in _DEGREES:
                very = place > 0 and words[place - 1] == "very"
                self._degrees.append(_VERY if very and _DEGREES[word] > 1 else _DEGREES[word])
            elif word in _AUTO:
                self._auto = True
            elif word in _WHOLE:
                self._whole = self._whole or not protects
            elif word not in _SKIPPED and word not in _PROTECTS and word not in ("and", "or", "very"):
                raise UsageError(f"--say: '{word}' is not understood; known are {_known()}.")
        if protects and not regions:
            raise UsageError(f"--say: '{' '.join(words)}' does not say what to leave; known: {', '.join(dict.fromkeys(_REGIONS.values()))}.")
        (self._protect if protects else self._focus).extend(regions)

    def said(self, sentence: str) -> Said:
        tasks, degrees = list(dict.fromkeys(self._tasks)), list(dict.fromkeys(self._degrees))
        if not (tasks or self._auto or self._protect):
            raise UsageError(f"--say: '{sentence}' asks for nothing; begin with a verb: {', '.join(_ACTIONS)}.")
        if len(tasks) > 1 or len(degrees) > 1:
            raise UsageError(f"--say: '{sentence}' asks for {' and '.join(tasks if len(tasks) > 1 else map(str, degrees))} at once; one at a time.")
        focus = () if self._whole else tuple(dict.fromkeys(self._focus))
        task = tasks[0] if tasks else "auto"
        control = Control(
            strength=degrees[0] if degrees else 1.0,
            auto=self._auto or not tasks,
            enlarge=task == "upscale",
            protect=tuple(dict.fromkeys(self._protect)),
            focus=focus,
        )
        return Said("auto" if control.auto and task == "lowlight" else task, control)


def _known() -> str:
    return ", ".join([*_ACTIONS, *sorted(_PROTECTS - {"not"}), *_REGIONS, *_DEGREES, *sorted(_AUTO)])
