"""Calls in processes of their own: values come back in order; crashes, exceptions, hangs and hunger for memory are told, and the rest goes on."""

import os
import signal
import time

import numpy as np

from redmobile.core.isolated import Limits, call_apart


def act(item):
    match item:
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "raise":
            raise KeyError("no such thing")
        case "hang":
            time.sleep(60)
        case "eat":
            np.ones(1 << 33, np.uint8)
        case "exit":
            os._exit(3)
    return item, os.getpid()


def values(found):
    return [ended.value[0] if ended.value else None for ended in found]


def test_values_come_in_order_from_processes_that_are_not_this_one():
    counts = []
    found = call_apart(act, range(20), workers=2, on_progress=counts.append)
    assert values(found) == list(range(20))
    assert os.getpid() not in {ended.value[1] for ended in found}
    assert max(counts) == len(counts) == 20


def test_whatever_ends_a_process_is_told_and_the_next_items_are_served():
    found = call_apart(act, ["a", "crash", "raise", "exit", "b"], Limits(seconds=120), workers=1)
    assert values(found) == ["a", None, None, None, "b"]
    assert [ended.died for ended in found] == [
        "",
        "its process was ended by SIGSEGV",
        "its process ended with code 1: KeyError: 'no such thing'",
        "its process ended with code 3",
        "",
    ]


def test_what_hangs_is_ended():
    (found,) = call_apart(act, ["hang"], Limits(seconds=0.5), workers=1)
    assert (found.value, found.died) == (None, "no answer within 0.5 s")


def test_memory_beyond_the_limit_is_not_given():
    (found,) = call_apart(act, ["eat"], Limits(memory_bytes=4 << 30), workers=1)
    assert "MemoryError" in found.died


def test_nothing_to_do():
    assert call_apart(act, []) == []
