"""A device for tests: it speaks adb's wire protocol over TCP and runs what it is told in a folder.

`Phone` is the device. Debian's own adb connects to it: `adb connect 127.0.0.1:PORT`. What it cannot show: a radio, a screen, ART, a
processor of a phone; programs for arm64 are played by a Python program behind their ELF header (cpu.py).
"""

from adb_device.phone import Cut, Faults, Phone

__all__ = ["Cut", "Faults", "Phone"]
