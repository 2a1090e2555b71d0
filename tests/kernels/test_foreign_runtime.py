"""A runtime whose structures lie otherwise: the delegate says so and takes nothing, and nothing crashes."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path

import pytest

_WORDS = 64

_HOST = """
import ctypes, sys
library = ctypes.CDLL(sys.argv[1])
library.tflite_plugin_create_delegate.restype = ctypes.c_void_p
library.tflite_plugin_create_delegate.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_void_p]
library.tflite_plugin_destroy_delegate.argtypes = [ctypes.c_void_p]
delegate = library.tflite_plugin_create_delegate(None, None, 0, None)
prepare = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(ctypes.cast(delegate, ctypes.POINTER(ctypes.c_void_p))[1])
context = (ctypes.c_uint64 * 64)(*[int(word) for word in sys.argv[2].split(",")])
print("status", prepare(ctypes.addressof(context), delegate))
library.tflite_plugin_destroy_delegate(delegate)
"""


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([0] * _WORDS, "no functions where functions should be"),
        ([1] * _WORDS, "no functions where functions should be"),
        ([3, *[0xDEAD0000] * (_WORDS - 1)], "no functions where functions should be"),
        ([2**63, *range(8, 8 * _WORDS, 8)], "no functions where functions should be"),
    ],
)
def test_another_layout_is_told_and_nothing_is_taken(library, words, says):
    ended = _prepare(library, words)
    assert ended.stdout.split() == ["status", "0"]  # the runtime goes on
    assert says in ended.stderr
    assert "goes on without the delegate" in ended.stderr


def test_functions_in_place_but_no_tensors(library):
    """All functions point into readable memory, the tensors do not."""
    anchor = ctypes.create_string_buffer(64)
    del anchor
    ended = _prepare(library, None)
    assert ended.stdout.split() == ["status", "0"]
    assert "found" in ended.stderr


def test_null_options_and_a_missing_value(library):
    code = _HOST.split("delegate = ", maxsplit=1)[0] + "print(library.tflite_plugin_create_delegate(None, None, 1, None))"
    ended = subprocess.run([sys.executable, "-c", code, str(library)], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout.strip()) == (0, "None")
    assert "option without a name or a value" in ended.stderr


def _prepare(library: Path, words: list[int] | None) -> subprocess.CompletedProcess[str]:
    host = _HOST
    if words is None:  # readable words everywhere: addresses of the context itself
        host = host.replace('*[int(word) for word in sys.argv[2].split(",")]', "").replace(
            'print("status"', 'context[:] = [8] + [ctypes.addressof(context)] * 63\nprint("status"'
        )
    given = ",".join(map(str, words or []))
    ended = subprocess.run([sys.executable, "-c", host, str(library), given], capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stderr
    return ended
