"""The plug-in's own arithmetic, compiled for this machine: every kind of instruction in its class, caches as counted by hand."""

import shutil
import subprocess
from pathlib import Path

import pytest

from redmobile.emulator import plugin_build
from redmobile.emulator.counts import CLASSES

SOURCES = Path(plugin_build.__file__).parent / "plugin"
TABLE = Path(__file__).parent / "a64_instructions.txt"

pytestmark = pytest.mark.skipif(shutil.which("gcc") is None, reason="gcc is not here")

CLASSIFIER = """
#include <stdio.h>
#include "a64.h"
int main(void) { unsigned word; while (scanf("%x", &word) == 1) puts(rm_class_names[rm_classify(word)]); }
"""

CACHES = """
#include <stdio.h>
#include <inttypes.h>
#include "cache.h"
int main(void) {
    struct rm_caches caches = {.line_shift = 6};
    uint64_t address; unsigned bytes; char kind;
    if (rm_add_level(&caches, 256, 2) || rm_add_level(&caches, 1024, 2)) return 1;
    if (!rm_add_level(&caches, 1000, 2)) return 2;
    while (scanf(" %c %" SCNu64 " %u", &kind, &address, &bytes) == 3) rm_access(&caches, address, bytes, kind == 's');
    struct rm_traffic *t = &caches.traffic;
    printf("%d %d %d %d %d %d %d\\n", (int)t->lookups[0], (int)t->misses[0], (int)t->lookups[1], (int)t->misses[1], (int)t->fills_by_loads,
           (int)t->fills_by_stores, (int)t->write_backs);
}
"""


def _run(tmp_path, source, text):
    (tmp_path / "main.c").write_text(source)
    subprocess.run(["gcc", "-std=c11", "-Wall", "-Werror", f"-I{SOURCES}", "-o", tmp_path / "main", tmp_path / "main.c"], check=True)
    return subprocess.run([tmp_path / "main"], input=text, capture_output=True, text=True, check=True).stdout.split()


def test_every_instruction_is_in_its_class(tmp_path):
    rows = [line.split("|") for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    found = _run(tmp_path, CLASSIFIER, "\n".join(word for word, _, _ in rows))
    assert len(rows) > 80
    assert [(kind, says) for kind, (_, _, says) in zip(found, rows, strict=True)] == [(kind, says) for _, kind, says in rows]
    assert set(found) == set(CLASSES)


@pytest.mark.parametrize(
    ("accesses", "lookups", "misses", "lookups2", "misses2", "loads", "stores", "write_backs"),
    [
        ("l 0 8  l 8 8  l 63 1", 3, 1, 1, 1, 1, 0, 0),  # one line, fetched once
        ("l 60 8", 2, 2, 2, 2, 2, 0, 0),  # across two lines
        ("s 0 8  l 0 8", 2, 1, 1, 1, 0, 1, 0),  # a store allocates its line
        ("l 0 1  l 128 1  l 256 1  l 0 1", 4, 4, 4, 3, 3, 0, 0),  # three lines of one set of two ways: the oldest is gone, the second level has it
        ("l 0 1  l 128 1  l 0 1  l 256 1  l 0 1", 5, 3, 3, 3, 3, 0, 0),  # the one used last stays
        ("s 0 1  l 128 1  l 256 1", 3, 3, 4, 3, 2, 1, 0),  # a dirty line goes to the second level, not to memory
        ("s 0 1  s 512 1  s 1024 1  s 1536 1", 4, 4, 6, 5, 0, 4, 1),  # the second level had given up line 8 while the first still had it
        ("s 0 1  s 512 1  s 1024 1  s 1536 1  s 2048 1  s 2560 1", 6, 6, 10, 9, 0, 6, 3),
    ],
)
def test_caches_as_counted_by_hand(tmp_path, accesses, lookups, misses, lookups2, misses2, loads, stores, write_backs):
    found = [int(number) for number in _run(tmp_path, CACHES, accesses)]
    assert found == [lookups, misses, lookups2, misses2, loads, stores, write_backs]
