"""Tiny aarch64 Linux programs, put together word by word: their counts are known exactly, and no cross compiler is needed."""

import struct

BASE = 0x400000
HEADERS = 64 + 56

CLOSE = 0xD2800728  # movz x8, #57
LOOP = [
    0xF94003E1,  # ldr x1, [sp]
    0x3DC003E0,  # ldr q0, [sp]
    0xF81F03E1,  # stur x1, [sp, #-16]
    0x4E829420,  # sdot v0.4s, v1.16b, v2.16b
    0x4EA28420,  # add v0.4s, v1.4s, v2.4s
    0x14000001,  # b to the next
    0xD503201F,  # nop
    0x91000442,  # add x2, x2, #1
    0xF1000463,  # subs x3, x3, #1
]
SVC = 0xD4000001


def mark(step):
    """close(0x52454400 + step); x8 holds 57."""
    return [0x52800000 | (0x4400 + step) << 5, 0x72AA48A0, SVC]


def marked_loop(turns, regions=1, exit_code=0):
    """Marks `regions` regions, each a loop of `turns` turns, and exits."""
    words = [CLOSE]
    for _ in range(regions):
        words += [*mark(0), 0xD2800003 | turns << 5]  # movz x3, #turns
        back = -len(LOOP) & 0x7FFFF
        words += [*LOOP, 0x54000001 | back << 5, *mark(1)]  # b.ne
    words += [0xD2800BA8, 0xD2800000 | exit_code << 5, SVC]  # exit(exit_code)
    return elf(words)


def crash():
    """Reads address 0."""
    return elf([0xD2800001, 0xF9400020])  # movz x1, #0; ldr x0, [x1]


def elf(words):
    """A static program of one segment that may be read, written and executed."""
    code = struct.pack(f"<{len(words)}I", *words)
    size = HEADERS + len(code)
    header = struct.pack("<16sHHIQQQIHHHHHH", b"\x7fELF\x02\x01\x01", 2, 183, 1, BASE + HEADERS, 64, 0, 0, 64, 56, 1, 0, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 0, BASE, BASE, size, size, 0x1000)
    return header + segment + code


def write(path, content):
    """The program at `path`, ready to run."""
    path.write_bytes(content)
    path.chmod(0o755)
    return path
