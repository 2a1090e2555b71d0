"""Documents of `redmobile npu`, `evaluate` and `bench conversion_peers`, made by the classes that those write them with."""

import math

from report_documents import ENVIRONMENT, LOAD, durations

from redmobile.bench import stability, stats
from redmobile.bench.fidelity import Fidelity
from redmobile.bench.peers.conversion import Conversion, MadeFile
from redmobile.bench.peers.graph_facts import GraphFacts
from redmobile.bench.peers.result import FORMAT as PEERS_FORMAT
from redmobile.bench.peers.result import Latency, NetworkFacts, PeersResult, Row, VelaFacts
from redmobile.bench.peers.tables import ConversionTable, ConverterTable
from redmobile.bench.plan import ClosedLoop, Plan
from redmobile.bench.stability import Doubt
from redmobile.evaluate import result as quality
from redmobile.graph.liveness import Peak
from redmobile.npu import check_file
from redmobile.npu.check_file import NpuReport
from redmobile.npu.rules import Finding
from redmobile.npu.vela import CpuOperator, Estimate

MACHINE = {"date": ENVIRONMENT.date, "machine": "x86_64", "cpu": "AMD EPYC", "cores": 2, "system": "Linux 6", "packages": {"redmobile": "0.2.0"}}


def npu(monkeypatch, *, taken=True, unknown=False, estimated=True):
    """What an NPU makes of three operators. taken: all of them; unknown: nobody knows of the last; estimated: with Vela's word."""
    monkeypatch.setattr(check_file, "describe", lambda: MACHINE)
    last = "unknown" if unknown else "delegated" if taken else "falls back"
    findings = (
        Finding(0, "CONV_2D", "c<1>", (1, 272, 480, 16), 1_000_000, "delegated", costs=("slow",)),
        Finding(1, "ADD", "sum", (1, 272, 480, 16), 0, "delegated"),
        Finding(
            2, "DEPTH_TO_SPACE", "big", (1, 1088, 1920, 3), 0, last, "" if taken else "No NPU takes it.", "" if taken else "shuffle", "Row planes."
        ),
    )
    left = () if taken else (CpuOperator("DepthToSpace", "big", "Unsupported opType"),)
    estimate = Estimate(
        vela="5.2.0",
        config="ethos-u65-512",
        system="Ethos_U65_High_End",
        memory_mode="Dedicated_Sram",
        clock_hz=1e9,
        cycles=30_000_000,
        frames_per_second=33.25,
        macs=1_000_000,
        sram_bytes=400_000,
        dram_bytes=18_000_000,
        flash_bytes=0,
        sram_traffic_bytes=300_000_000,
        dram_traffic_bytes=40_000_000,
        operators=2,
        cpu=left,
        cycles_by_operator={"Conv2D": 20_000_000, "Add": 10_000_000},
        layers=(),
    )
    return NpuReport(
        file="out/night<b>.tflite",
        sha256="ab" * 32,
        target="ethos_u65",
        says="Arm Ethos-U65.",
        unit="NPU",
        inputs=("image: 1×1088×1920×3 int8",),
        findings=findings,
        partitions=1,
        macs={"delegated": 1_000_000, last: 0} if last != "delegated" else {"delegated": 1_000_000},
        islands=() if taken else (("f1", "f2"),),
        peak=Peak(12_000_000, 1, "sum"),
        advice=("Write row planes.",),
        estimate=estimate if estimated else None,
        remarks=("Decided by Vela 5.2.0.",) if estimated else ("Only the rules were checked.",),
    ).as_json()


def evaluation():
    """Two networks under two conditions, one of which is to be left alone, and everything else that can be asked for."""
    scores = quality.Scores
    good = {"int8": scores(psnr=21.43, psnr_matched=24.5, ssim=0.78), "mobileie": scores(psnr=23.63, psnr_matched=25.1, ssim=0.81)}
    before = {"pairs": scores(psnr=7.77, psnr_matched=18.0, ssim=0.195), "nothing": scores(psnr=math.inf, psnr_matched=math.inf, ssim=1.0)}

    def figures(condition, subject):
        image = quality.ImageScores(image="1<.png", before=before[condition], after=good[subject])
        return quality.Figures(
            condition=condition,
            subject=subject,
            before=before[condition],
            after=good[subject],
            gain_db=good[subject].psnr - before[condition].psnr,
            pooled_db=20.5,
            best="1<.png",
            median="1<.png",
            worst="1<.png",
            images=(image,),
        )

    return quality.Quality(
        format=quality.FORMAT,
        environment=MACHINE,
        conventions=dict(quality.CONVENTIONS),
        source="pairs of lol",
        subjects=tuple(quality.Subject(name=name, file=f"{name}.tflite", sha256="12" * 32, runtime="litert 2.3.0") for name in good),
        figures=tuple(figures(condition, subject) for condition in before for subject in good),
        noise=tuple(quality.NoisePoint(snr_db=snr, measured_snr_db=snr + 0.5, before=before["pairs"], after=good) for snr in (0.0, 10.0, 20.0)),
        banding=tuple(quality.Banding(subject=name, ripple_codes=0.6, unavoidable_codes=0.5, dip_codes=0.2, band="8 to 24") for name in good),
        flicker=tuple(
            quality.Flicker(
                subject=name,
                frames=8,
                brightness_before_percent=0.02,
                brightness_after_percent=0.01,
                blocks_before_percent=1.2,
                blocks_after_percent=0.9,
            )
            for name in good
        ),
    ).as_json()


def peers():
    """One network through two converters, one of which fails at INT8 and has a time that cannot be trusted."""
    settings = Plan(
        says="A plan.",
        closed_loop=ClosedLoop(),
        conversion=ConversionTable(converter=(ConverterTable(name="redmobile", driver="x"),), network=(), threads=(1, 2)),
    )
    return PeersResult(
        format=PEERS_FORMAT,
        plan="conversion_peers",
        plan_sha256="cd" * 32,
        settings=settings,
        environment=MACHINE,
        requirements={"onnx2tf": "34" * 32},
        calibration={"a.jpg": "1", "b.jpg": "2"},
        pictures={"c.jpg": "3"},
        networks=(NetworkFacts(name="unet<1>", size=(256, 256), onnx_bytes=1, onnx_sha256="78" * 32, weights_sha256=None),),
        rows=(_row("redmobile", "fp32", 20.0), _row("onnx2tf", "fp32", 31.0, "drift"), _row("redmobile", "int8", 9.0), _failed()),
        runs=(),
    )


def _row(converter, precision, around_ms, doubt=None):
    times = durations(around_ms)
    trust = stability.Stability(trusted=doubt is None, reasons=() if doubt is None else (Doubt(flag=doubt, says="it drifts"),))
    ratio = None if converter == "redmobile" else stats.Ratio(peer=converter, of_medians=1.55, low=1.5, high=1.6, reasons=())
    return Row(
        network="unet<1>",
        converter=converter,
        precision=precision,
        outcome="converted",
        reason="",
        conversion=Conversion(
            converter=converter,
            precision=precision,
            outcome="converted",
            reason="",
            seconds=12.34,
            import_seconds=1.0,
            peak_bytes=900_000_000,
            file=MadeFile(file="a.tflite", sha256="9a" * 32, bytes=290_480),
            versions={"numpy": "2.4.6", converter: "1.2"},
            log="log.txt",
            onnx_sha256="78" * 32,
            frames_sha256="0",
            tool_sha256="1",
            date=ENVIRONMENT.date,
            load_average=0.5,
        ),
        graph=GraphFacts(operators={"CONV_2D": 25}, count=81, transposes=2, clamps=0, float_islands=0),
        load=LOAD,
        fidelity=Fidelity(psnr_db=None if precision == "fp32" else 38.25, largest=0.01, pictures=4),
        vela=VelaFacts(accelerator="ethos-u65-512", cpu_operators=3, npu_operators=70) if precision == "int8" else None,
        latency=tuple(Latency(threads=count, time=stats.summarize(times), stability=trust, samples_ms=tuple(times), ratio=ratio) for count in (1, 2)),
        missing={} if precision == "fp32" else {"load": "LiteRT refuses it"},
    )


def _failed():
    return Row(network="unet<1>", converter="onnx2tf", precision="int8", outcome="failed", reason="KeyError: 'x'")
