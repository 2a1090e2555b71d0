"""A document of every kind, made by the classes that `redmobile bench` and `parity` write them with, so that they cannot drift from those."""

import numpy as np

from redmobile.bench import assemble, stability
from redmobile.bench.bootstrap import Interval
from redmobile.bench.budget import judge_figures
from redmobile.bench.compare import FORMAT as CHANGE_FORMAT
from redmobile.bench.compare import Comparison as Change
from redmobile.bench.compare import Row as ChangeRow
from redmobile.bench.conditions import Conditions, DeviceSample
from redmobile.bench.header import FORMAT, DeviceFacts, Environment, ModelFile, Verdict
from redmobile.bench.job import Coverage, Delegate, Load, OperatorTime, PictureAccuracy, Profile, TensorFacts, VideoRecord
from redmobile.bench.measured import AccuracyResult, MemoryResult
from redmobile.bench.modelled import (
    BoundTerm,
    CacheLevel,
    CacheSimulation,
    Counts,
    EmulatedNetwork,
    EmulationResult,
    EstimatedNetwork,
    EstimateResult,
    LowerBound,
    OperatorCycles,
    OutputComparison,
    OutputDifference,
)
from redmobile.bench.open_loop import FrameTimes
from redmobile.bench.plan import Budget, ClosedLoop, Memory, OpenLoop, Plan
from redmobile.bench.result import to_builtins
from redmobile.core.results import write_json
from redmobile.parity import result as parity
from redmobile.parity.compare import Comparison, Scores, Worst
from redmobile.parity.files import FORMAT as FILES_FORMAT
from redmobile.parity.files import FileFacts, FilePair, FilesResult, OutputPair
from redmobile.parity.gates import GateResult
from redmobile.parity.sheet import sheet_pictures

MODEL = ModelFile(file="/models/night<b>.tflite", sha256="ab" * 32, bytes=123_456)
TENSOR = TensorFacts(name="image", shape=(1, 1088, 1920, 3), dtype="int8", layout="NHWC", quantization=(0.0039, -128))
LOAD = Load(
    runtime="litert 2.3.0",
    inputs=(TENSOR,),
    outputs=(TENSOR,),
    init_ms=41.5,
    first_ms=30.25,
    before_bytes=90_000_000,
    peak_bytes=151_000_000,
    delegate=Delegate(ran="XNNPACK", asked="cpu", options={"weights_cache": "on"}),
    coverage=Coverage(partitions=2, inside={"CONV_2D": 40, "ADD": 9}, outside={"CUSTOM": 1}, macs_inside=1_000_000_000, macs_outside=2_000_000),
)
ENVIRONMENT = Environment(
    date="2026-11-24T09:00:00+00:00", machine="x86_64", cpu="AMD EPYC", cores=2, system="Linux 6", python="3.11.7", packages={"redmobile": "0.2.0"}
)
OPERATORS = tuple(OperatorTime(name=f"conv_{number}", kind="CONV_2D" if number % 3 else "ADD", mean_ms=0.25 + number / 8) for number in range(20))
CALM = Conditions(
    cores=2, seconds=9.0, own_share=0.9, other_share=0.01, steal_share=0.0, clock_first_mhz=2600, clock_last_mhz=2600, governor="performance"
)


def durations(around_ms, count=120, seed=0):
    """Durations with a tail, the median near `around_ms`."""
    generator = np.random.default_rng(seed)
    return [float(value) for value in around_ms + generator.gamma(1.5, around_ms * 0.01, count)]


def head(plan, target, device, **tables):
    """The fields of a header for a plan with these tables."""
    settings = Plan(says="A plan.", **tables)
    return {
        "format": FORMAT,
        "run_id": "0" * 32,
        "plan": plan,
        "plan_sha256": "cd" * 32,
        "settings": settings,
        "target": target,
        "device": device,
        "environment": ENVIRONMENT,
        "command": f"redmobile bench {plan} --on {target} --model 'night<b>.tflite'",
    }


HOST = DeviceFacts(name="machine-7", soc="AMD EPYC", abi="x86_64", cores=2)
PHONE = DeviceFacts(name="Pixel <8>", soc="Tensor G3", abi="arm64-v8a", system="Android 15", details={"Build": "AP3A.1"})


def latency(monkeypatch, *, around_ms=21.0, count=120, conditions=CALM, peers=()):
    """A latency result of this machine; peers: medians of further networks."""
    monkeypatch.setattr(assemble, "model_file", lambda _: MODEL)
    head_ = head("model_latency", "host", HOST, closed_loop=ClosedLoop(), budget=Budget(share=0.9))
    profile = Profile(says="LiteRT's own profiler.", operators=OPERATORS)
    rows = [
        assemble.measured(MODEL.file, LOAD, durations(ms, count, seed), conditions, 2, head_["settings"], profile=profile)
        for seed, ms in enumerate((around_ms, *peers))
    ]
    return assemble.latency_result({**head_, "incomplete": None}, rows, conditions, 2, block=4)


def video(monkeypatch, *, slow_ms=0.0):
    """A video result of a phone that gets warm: every seventh frame takes `slow_ms` longer in 'infer', the frame after it is dropped."""
    monkeypatch.setattr(assemble, "model_file", lambda _: MODEL)
    head_ = head("video_1080p30", "adb:1234", PHONE, open_loop=OpenLoop(), budget=Budget())
    times = durations(22.0, 300)
    slow = {number for number in range(300) if slow_ms and number % 7 == 3}
    frames = []
    for number in range(300):
        if number - 1 in slow:
            continue
        infer = times[number] + (slow_ms if number in slow else 0.0)
        frames.append(FrameTimes(number=number, waits_ms=(0.5, 0.0, 0.0, 0.0), stages_ms=(3.0, 1.0, infer, 1.5), latency_ms=infer + 6.0))
    samples = tuple(
        DeviceSample(
            seconds=float(at), thermal_status=at // 6, temperatures_c={"soc": 35.0 + at}, clocks_mhz={"cpu7": 2900.0 - at}, battery_percent=80.0
        )
        for at in range(10)
    )
    record = VideoRecord(
        stages=("decode", "pre", "infer", "post"),
        offered=300,
        frames=tuple(frames),
        source="clip.mp4",
        drops=tuple((number + 1, "infer") for number in sorted(slow)),
        conditions=Conditions(cores=8, seconds=10.0, samples=samples),
        cpu_seconds=6.0,
        stage_cpu_seconds=(1.0, 0.3, 4.2, 0.5),
    )
    return assemble.video_result({**head_, "incomplete": None}, MODEL.file, LOAD, record, 4)


def memory():
    """A memory result."""
    trust = stability.Stability(trusted=True, reasons=())
    return MemoryResult(
        **head("peak_memory", "host", HOST, memory=Memory(), budget=Budget(peak_mib=200)),
        threads=2,
        verdict=judge_figures("144 MiB, the budget allows 200", True, trust),
        model=MODEL,
        loads=(LOAD, LOAD),
        peak_bytes=151_000_000,
        own_bytes=61_000_000,
        stability=trust,
        arena_bytes=20_000_000,
    )


def accuracy():
    """An accuracy result in which one picture is equal."""
    trust = stability.Stability(trusted=True, reasons=(), remarks=("one picture only",))
    return AccuracyResult(
        **head("model_latency", "host", HOST, closed_loop=ClosedLoop()),
        threads=2,
        verdict=judge_figures("44 dB", None, trust),
        model=MODEL,
        reference=ModelFile(file="night.onnx", sha256="ef" * 32, bytes=1),
        load=LOAD,
        psnr_db=44.125,
        worst_db=42.5,
        ssim=0.9912,
        pictures=(
            PictureAccuracy(picture="cafe.jpg", psnr_db=42.5, ssim=0.99, largest_codes=12),
            PictureAccuracy(picture="black.png", psnr_db=None, ssim=1.0, largest_codes=0),
        ),
        stability=trust,
    )


def emulation(*, equal=True):
    """An emulated processor's counts, with a bound and simulated caches."""
    counts = Counts(
        instructions=1_000, simd_dot=300, simd_other=200, loads=250, stores=100, branches=50, other=100, loaded_bytes=5_000_000, stored_bytes=700_000
    )
    where = () if equal else (OutputDifference(frame=1, output="enhanced", index=(0, 3, 4, 1), differing=17, values=999, largest=2.0, mean=0.01),)
    bound = LowerBound(
        label="estimate: a lower bound from counts and a device file, not a measurement",
        device="Cortex-A76 at 2.8 GHz",
        not_faster_than_ms=12.5,
        limited_by="SDOT",
        terms=(
            BoundTerm(name="SDOT", at_least_ms=12.5, says="…", sources=("a",)),
            BoundTerm(name="memory", at_least_ms=4.25, says="…", sources=("b",)),
        ),
    )
    network = EmulatedNetwork(
        model=MODEL,
        runtime="litert 2.3.0",
        threads=1,
        counts=counts,
        repeats=(1_000, 1_000, 1_001),
        spread=0.001,
        outputs=OutputComparison(against="litert 2.3.0 on x86_64", frames=2, equal=equal, where=where),
        caches=CacheSimulation(
            says="No prefetcher.",
            levels=(CacheLevel(level=1, bytes=65_536, line_bytes=64, ways=4, hits=900, misses=100),),
            memory_read_bytes=4_000_000,
            memory_written_bytes=600_000,
        ),
        bound=bound,
    )
    verdict = Verdict(outcome="not measured", says="Nothing is known of its time.")
    device = DeviceFacts(name="Cortex-A76")
    header = head("model_latency", "qemu:cortex-a76", device, closed_loop=ClosedLoop())
    return EmulationResult(**header, verdict=verdict, cpu="cortex-a76", emulator="qemu 7.2", measured=network, peers=(network,))


def estimate(accelerator="ethos-u65-512", rate=30.5):
    """What Vela estimates, with an operator on the CPU."""
    operators = (
        OperatorCycles(name="a", kind="Conv2D", unit="NPU", cycles=30_000, macs=9_000_000, utilisation=0.75),
        OperatorCycles(name="b", kind="Add", unit="NPU", cycles=2_000, macs=0, utilisation=0.0),
        OperatorCycles(name="c", kind="DepthToSpace", unit="CPU", cycles=0, reason="Unsupported opType"),
    )
    network = EstimatedNetwork(
        label="estimate by Vela, not a measurement",
        model=MODEL,
        vela="5.2.0",
        accelerator=accelerator,
        system_config="Ethos_U65_Client_Server",
        memory_mode="Dedicated_Sram",
        clock_hz=1e9,
        cycles=32_000,
        frames_per_second=rate,
        frame_ms=1000 / rate,
        macs=9_000_000,
        npu_operators=2,
        cpu_operators=1,
        sram_bytes=18_000_000,
        dram_bytes=6_000_000,
        flash_bytes=0,
        sram_traffic_bytes=380_000_000,
        dram_traffic_bytes=31_000_000,
        operators=operators,
    )
    header = head("model_latency", accelerator, DeviceFacts(name=f"Arm {accelerator}"), closed_loop=ClosedLoop())
    return EstimateResult(**header, verdict=Verdict(outcome="not measured", says="Vela estimates 30.5 frames a second."), estimated=network)


def comparison(*, passed=True):
    """A `redmobile parity` of one target, with its sheet."""
    generator = np.random.default_rng(3)
    dark = generator.integers(0, 40, (54, 96, 3)).astype(np.uint8)
    bright = (dark * 5).astype(np.uint8)
    near = np.clip(bright.astype(int) + generator.integers(-2, 3, bright.shape), 0, 255).astype(np.uint8)
    values = {"psnr": 44.125, "ssim": 0.9911, "max_difference": 12.0, "mean_difference": 0.993}
    scores = tuple(Scores(image=name, values={**values, "psnr": psnr}) for name, psnr in (("cafe.jpg", 42.0), ("road.jpg", 46.5)))
    pair = Comparison(expected="float", found="int8", pooled=values, worst={"psnr": Worst(image="cafe.jpg", value=42.0)}, images=scores)
    gate = GateResult(
        metric="psnr",
        unit="dB",
        against="float",
        threshold=40.0 if passed else 45.0,
        higher_is_better=True,
        outcome="passed" if passed else "failed",
        says="44.12 dB over 2 pictures, worst 42.00 in cafe.jpg",
        value=44.125,
        worst=Worst(image="cafe.jpg", value=42.0),
    )
    stages = tuple(
        parity.StageFacts(name=name, file=f"{name}.tflite", sha256="12" * 32, runtime="litert 2.3.0", input="image", output="image")
        for name in ("float", "int8")
    )
    return parity.ParityResult(
        format=parity.FORMAT,
        converter="litert_int8",
        converter_sha256="34" * 32,
        environment={"date": ENVIRONMENT.date, "machine": "x86_64", "cpu": "AMD EPYC", "cores": 2, "system": "Linux 6", "packages": {}},
        threads=2,
        stages=stages,
        images=("cafe.jpg", "road.jpg"),
        findings=(),
        pairs=(pair,),
        gates=(gate,),
        truth=None,
        remarks=("no torch stage: torch is not installed",),
        passed=passed,
        sheet=sheet_pictures("cafe.jpg", dark, ("float", bright), ("int8", near), 42.0),
    )


def files():
    """A `redmobile parity` of several files, with an output that is equal: its signal-to-noise ratio is infinite."""
    figures = {"sqnr": float("inf"), "cosine": 1.0, "max_difference": 0.0, "mean_difference": 0.0}
    output = OutputPair(name="logits", found_name="logits", shape=(1, 10), figures=figures, worst={}, frames=())
    facts = tuple(FileFacts(name=name, sha256="56" * 32, runtime="litert 2.3.0", inputs=("x",), outputs=("y",)) for name in ("a.onnx", "b.tflite"))
    return FilesResult(
        format=FILES_FORMAT,
        environment={"date": ENVIRONMENT.date, "machine": "x86_64", "cpu": "AMD EPYC", "cores": 2, "system": "Linux 6", "packages": {}},
        threads=2,
        files=facts,
        frames=("0",),
        input_range=(0.0, 1.0),
        least_sqnr_db=None,
        findings=(),
        pairs=(FilePair(expected="a.onnx", found="b.tflite", outputs=(output,)),),
        layers=(),
        remarks=(),
        passed=True,
    )


def change(*, worse=True):
    """What `redmobile bench compare` leaves of one result."""
    interval = Interval(value=1.21, low=1.17, high=1.26) if worse else Interval(value=1.0, low=0.99, high=1.01)
    outcome = "worse" if worse else "same"
    row = ChangeRow(metric="p50", unit="ms", old=21.0, new=21.0 * interval.value, change=interval, is_ratio=True, tolerance=0.05, outcome=outcome)
    return Change(
        format=CHANGE_FORMAT, old="base.json", new="out/new.json", plan="model_latency", target="host", outcome=outcome, says="p50 grew", rows=(row,)
    )


def write(path, result):
    """`result` as a JSON document at `path`."""
    write_json(path, to_builtins(result))
    return path
