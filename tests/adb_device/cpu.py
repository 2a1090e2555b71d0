"""Plays a 64-bit ARM processor: a program of the test device is an ELF header for it, and Python behind that."""

import sys
from pathlib import Path

ELF_HEADER_BYTES = 64

if __name__ == "__main__":
    sys.argv = sys.argv[1:]
    exec(compile(Path(sys.argv[0]).read_bytes()[ELF_HEADER_BYTES:], sys.argv[0], "exec"), {"__name__": "__main__"})  # noqa: S102
