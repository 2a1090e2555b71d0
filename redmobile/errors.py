"""Every exception of redmobile, and the exit code that the command line gives to each.

RedmobileError (1)
├── UsageError (2)             a wrong option or a wrong combination of options
├── DocumentError (3)          a TOML or JSON document that does not fit its schema
├── UnsupportedModelError (4)  a network that cannot be lowered or quantized as asked
├── ParityError (5)            two runtimes disagree by more than a gate allows
├── BudgetError (6)            a benchmark missed its budget
├── DeviceError (7)            a target or runtime that is not available here
├── ToolError (8)              an external tool failed
├── NpuFallbackError (9)       operations would fall back from the NPU to the CPU
├── InputError (10)            a file or folder that is missing, unreadable or not what it should be
├── OutputError (11)           a result that could not be written (disk full, no permission)
├── MissingExtraError (12)     a command that needs an optional dependency which is not installed
└── TrainingError (13)         training diverged or cannot go on

A message names the thing, what was expected, what was found, and how to mend it, in one line.
Interrupting with Ctrl-C ends with 130.
"""

from __future__ import annotations


class RedmobileError(Exception):
    """Base class; catch this to catch everything redmobile raises on purpose."""

    exit_code = 1


class UsageError(RedmobileError):
    """A wrong option or a wrong combination of options."""

    exit_code = 2


class DocumentError(RedmobileError):
    """A TOML or JSON document that does not fit its schema."""

    exit_code = 3


class UnsupportedModelError(RedmobileError):
    """A network that cannot be lowered or quantized as asked."""

    exit_code = 4


class ParityError(RedmobileError):
    """Two runtimes disagree by more than a gate allows."""

    exit_code = 5


class BudgetError(RedmobileError):
    """A benchmark missed its budget, or its figures cannot be trusted enough to tell."""

    exit_code = 6


class DeviceError(RedmobileError):
    """A target or runtime that is not available here."""

    exit_code = 7


class ToolError(RedmobileError):
    """An external tool failed."""

    exit_code = 8


class NpuFallbackError(RedmobileError):
    """Operations would fall back from the NPU to the CPU."""

    exit_code = 9


class InputError(RedmobileError):
    """A file or folder that is missing, unreadable or not what it should be."""

    exit_code = 10


class OutputError(RedmobileError):
    """A result that could not be written."""

    exit_code = 11


class MissingExtraError(RedmobileError):
    """A command that needs an optional dependency which is not installed."""

    exit_code = 12

    def __init__(self, package: str, extra: str, needed_for: str) -> None:
        super().__init__(
            f"{needed_for} needs the package '{package}', which is not installed: pip install 'redmobile[{extra}]' (`redmobile doctor` lists all)."
        )


class TrainingError(RedmobileError):
    """Training diverged or cannot go on."""

    exit_code = 13
