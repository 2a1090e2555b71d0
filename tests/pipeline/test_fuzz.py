"""Broken files, thousands of them: each is taken, or refused in one line. No traceback, no crash, no hang over a minute, no more than 4 GiB."""

import collections

import pytest
from fuzz_onnx import mutated_onnx
from fuzz_seeds import SEEDS
from fuzz_tflite import SEED_COUNT, mutated_tflite, seed
from fuzz_verdict import convert_mutated, open_mutated, verdict

from redmobile.core.isolated import Limits, call_apart
from redmobile.errors import InputError, RedmobileError
from redmobile.graph.onnx_graph import read_onnx
from redmobile.runtimes.base import open_runtime

ONNX_FILES, TFLITE_FILES = 2000, 504
"""How many of each. A file is known by its number: `convert_mutated(17)` in a debugger shows what happened to the 17th."""

LIMITS = Limits(seconds=60, memory_bytes=4 << 30)

TAKEN = {"converted", "InputError", "UnsupportedModelError", "UsageError"}


def survey(function, count):
    """What became of the files 0 to `count`: verdict → how many. Nothing may have ended its process."""
    found = call_apart(function, range(count), LIMITS)
    died = [f"{function.__name__}({number}): {ended.died}" for number, ended in enumerate(found) if ended.died]
    assert not died, "\n".join(died[:20])
    return collections.Counter(ended.value for ended in found)


@pytest.mark.slow
def test_mutated_onnx_files_are_converted_or_refused_in_one_line():
    found = survey(convert_mutated, ONNX_FILES)
    assert found.keys() <= TAKEN
    assert min(found["converted"], found["UnsupportedModelError"], found["InputError"]) >= ONNX_FILES // 50, found


@pytest.mark.slow
def test_mutated_tflite_files_run_or_are_refused_in_one_line():
    found = survey(open_mutated, TFLITE_FILES)
    assert found.keys() <= TAKEN | {"DeviceError"}
    assert min(found["converted"], found["InputError"]) >= TFLITE_FILES // 50, found


@pytest.mark.slow
def test_every_seed_is_sound(tmp_path):
    for build in SEEDS:
        read_onnx(build().SerializeToString())
    for number in range(SEED_COUNT):
        path = tmp_path / f"{number}.tflite"
        path.write_bytes(seed(number))
        open_runtime(path, threads=1)


def test_the_same_number_gives_the_same_file():
    assert mutated_onnx(7) == mutated_onnx(7) != mutated_onnx(7 + len(SEEDS))


@pytest.mark.slow
def test_the_same_number_gives_the_same_tflite_file():
    assert mutated_tflite(7) == mutated_tflite(7) != mutated_tflite(7 + SEED_COUNT)


@pytest.mark.parametrize("error", [InputError("two\nlines"), RedmobileError("without an exit code of its own")])
def test_an_error_that_is_not_one_line_with_a_code_is_no_verdict(error):
    def work():
        raise error

    with pytest.raises(AssertionError, match="not one line"):
        verdict(work)


def test_what_is_none_of_ours_passes_through():
    def work():
        raise KeyError("x")

    with pytest.raises(KeyError):
        verdict(work)
