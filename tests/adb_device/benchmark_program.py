"""Plays TFLite's benchmark_model and LiteRT's benchmark_litert_model on the device: their flags, their words, their files, told times.

Copied behind an ELF header for arm64 (see `write_program`); reads what it is to tell from $DEVICE/state/benchmark.json:
means_us (one a call, the last again and again), refuses, falls_back, partly (delegates), exit_code, dies_after_warm_up, slow_s, profile, result.
"""

import base64
import json
import os
import struct
import sys
import time
from pathlib import Path

NAMES = {"cpu": ("XNNPACK", "TfLiteXNNPackDelegate"), "gpu": ("GPU", "TfLiteGpuDelegateV2"), "nnapi": ("NNAPI", "TfLiteNnapiDelegate")}
OPERATORS = 24
RESULT_FLAG = "result" + "_file_path"
"""In two pieces, so that only the program that is to have it in its text has it."""


def write_program(path, *, machine=183, strings=b"op_profiling_output_mode"):
    """A program for a processor of that kind; strings: what a search of the real one would find."""
    header = b"\x7fELF\x02\x01\x01" + bytes(9) + struct.pack("<HHI", 2, machine, 1)
    source = b"# " + strings + b"\n" + Path(__file__).read_bytes()
    path.write_bytes(header.ljust(64, b"\0") + source)
    return path


def say(text):
    """TFLite's log is stderr."""
    sys.stderr.write(text + "\n")


def main():
    state = Path(os.environ["DEVICE"]) / "state"
    told = json.loads((state / "benchmark.json").read_text()) if (state / "benchmark.json").exists() else {}
    flags = dict(argument.removeprefix("--").split("=", 1) for argument in sys.argv[1:])
    with (state / "calls" / "benchmark").open("a") as file:
        file.write(" ".join(sys.argv[1:]) + "\n")
    profiling = "op_profiling_output_file" in flags
    time.sleep(told.get("slow_s", 0))
    say("INFO: STARTING!")
    say(f"INFO: Graph: [{flags['graph']}]")
    say(f"INFO: Num threads: [{flags['num_threads']}]")
    if not Path(flags["graph"]).exists():
        say(f"ERROR: Could not open '{flags['graph']}'.\nERROR: Failed to load model {flags['graph']}")
        sys.exit(1)
    say(f"INFO: Loaded model {flags['graph']}\nINFO: Initialized TensorFlow Lite runtime.")
    for file in filter(None, (flags.get("input_layer_value_files", "").rpartition(":")[2], flags.get("external_delegate_path"))):
        if not Path(file).exists():
            say(f"ERROR: Failed to read {file}")
            sys.exit(1)
    delegate = next((name for name in ("gpu", "nnapi") if flags.get(f"use_{name}") == "true"), "cpu")
    if flags.get("external_delegate_path"):
        delegate = "external"
        NAMES["external"] = ("EXTERNAL", "RedmobileDelegate")
    apply(delegate, told)
    if told.get("exit_code"):
        say("ERROR: Node number 3 (CONV_2D) failed to invoke.")
        sys.exit(told["exit_code"])
    say("INFO: Initialized session in 92.318ms.")
    run(state, flags, told, profiling=profiling)


def apply(delegate, told):
    title, name = NAMES[delegate]
    if delegate in told.get("refuses", ()):
        say(f"ERROR: Following operations are not supported by {title} delegate:\nERROR: Failed to apply {title} delegate.")
        say("ERROR: Benchmarking failed.")
        sys.exit(1)
    taken = 5 if delegate in told.get("partly", ()) else 0 if delegate in told.get("falls_back", ()) else OPERATORS
    say(f"INFO: Created TensorFlow Lite delegate for {title}.")
    if taken:
        say(f"VERBOSE: Replacing {taken} out of {OPERATORS} node(s) with delegate ({name}) node, yielding 1 partitions for the whole graph.")
    else:
        say(f"INFO: Though {title} delegate is explicitly applied, the model graph will not be executed by the delegate.")
    if delegate != "cpu" and taken < OPERATORS:
        rest = OPERATORS - taken
        say(f"VERBOSE: Replacing {rest} out of {rest} node(s) with delegate ({NAMES['cpu'][1]}) node, yielding 2 partitions for the whole graph.")


def run(state, flags, told, *, profiling):
    counter = state / "benchmark_calls"
    number = int(counter.read_text()) if counter.exists() else 0
    if not profiling:
        counter.write_text(str(number + 1))
    means = told.get("means_us", [20000])
    mean = means[min(number, len(means) - 1)]
    warm_up, runs = int(flags["warmup_runs"]), int(flags["num_runs"])
    seconds = f"at least {flags['min_secs']} seconds but terminate if exceeding {flags['max_secs']} seconds."
    say(f"INFO: Running benchmark for at least {warm_up} iterations and {seconds}")
    first = f"first={3 * mean} curr={mean} min={mean} max={3 * mean} avg={2 * mean} std=900 p5={mean} median={mean} p95={3 * mean}"
    say(f"INFO: count={warm_up} {first}\n")
    if told.get("dies_after_warm_up"):
        os.kill(os.getpid(), 9)
    say(f"INFO: Running benchmark for at least {runs} iterations and {seconds}")
    percentiles = "" if told.get("old") else f" p5={mean - 900} median={mean} p95={mean + 1500}"
    largest = told.get("max_us", mean + 2000)
    say(f"INFO: count={runs} first={mean} curr={mean} min={mean - 1000} max={largest} avg={mean + 100} std=313{percentiles}\n")
    say(f"INFO: Inference timings in us: Init: 92318, First inference: {3 * mean}, Warmup (avg): {2 * mean}, Inference (avg): {mean + 100}")
    say("INFO: Memory footprint delta from the start of the tool (MB): init=54.2852 overall=73.4102")
    say("INFO: Overall peak memory footprint (MB) via periodic monitoring: 81.5")
    if profiling:
        Path(flags["op_profiling_output_file"]).write_bytes(base64.b64decode(told.get("profile", "")))
    if flags.get(RESULT_FLAG):
        Path(flags[RESULT_FLAG]).write_bytes(base64.b64decode(told["result"]))


if __name__ == "__main__":
    main()
