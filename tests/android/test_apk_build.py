"""The whole APK, its tests on the JVM, and its native code on bionic; each as CI runs it."""

import json
import re
import shutil
import subprocess
import sys
import zipfile

import jsonschema
import msgspec
import pytest
from adb_device.jvm_app import JvmDemoApp
from apk_cases import need_tools
from click.testing import CliRunner

from redmobile.android.apk import checks
from redmobile.android.apk.code import link_resources
from redmobile.android.apk.pack import entries_of, pack
from redmobile.android.apk.sign import open_keystore, sign
from redmobile.android.bionic import REFUSALS, ROUNDS_OTHERWISE, run_on_bionic
from redmobile.android.build import build, prepare
from redmobile.android.jvm_tests import prepare_jvm, run_jvm_tests
from redmobile.android.source import find_source
from redmobile.bench import stats
from redmobile.bench.plan import load_plan
from redmobile.bench.result import read_results, schema
from redmobile.cli import group
from redmobile.core.artifact import sha256_file
from redmobile.errors import ToolError
from redmobile.graph.tflite_read import read_tflite
from redmobile.pipeline import bitmap_model
from redmobile.runtimes.base import Delegate
from redmobile.shelf import find

pytestmark = pytest.mark.slow

README = find_source() / "README.md"
LIBRARIES = "lib/arm64-v8a/"


@pytest.fixture(scope="module")
def model():
    need_tools()
    return bitmap_model("red_mobile")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def built(model, work):
    return build(model, work / "demo.apk", work)


def test_the_apk_holds_what_it_must(built, model, work):
    assert built.facts == {"signature": "v2 + v3", "alignment": "16 KB", "permissions": "android.permission.CAMERA"}
    assert built.dex_version == "038"
    assert built.smaller == "704x1280, 448x768"
    with zipfile.ZipFile(built.apk) as archive:
        assert archive.read("assets/red_mobile_rgba_int8.tflite") == model.read_bytes()
        for size in ("704x1280", "448x768"):
            small = read_tflite(archive.read(f"assets/smaller/{size}.tflite"))
            assert "x".join(map(str, small.inputs[0].shape[1:3])) == size
        assert {"lib/arm64-v8a/libredmobile_tflite.so", "lib/arm64-v8a/libredmobile_delegate.so", "lib/arm64-v8a/libjnitensorflowlite.so"} <= set(
            archive.namelist()
        )
    assert not set(checks.NETWORK) & set(checks.asked_permissions(built.apk, need_tools(), work))
    badging = subprocess.run(["aapt2", "dump", "badging", str(built.apk)], capture_output=True, text=True, check=True).stdout
    for line in ("package: name='dev.redmobile.demo'", "sdkVersion:'26'", "targetSdkVersion:'35'", "native-code: 'arm64-v8a'"):
        assert line in badging


def test_the_readme_states_the_sizes(built):
    """Within a tenth: the model may be another one, and kernels come and go."""
    paragraph = re.search(
        r"The APK holds ([\d.]+) MB: TFLite's library ([\d.]+) MB .*?bytecode (\d+) KB.*?delegate (\d+) KB", README.read_text(), re.DOTALL
    )
    parts = built.parts
    sizes = [
        built.apk_bytes / 1e6,
        parts[f"{LIBRARIES}libjnitensorflowlite.so"] / 1e6,
        parts["classes.dex"] / 1e3,
        parts[f"{LIBRARIES}libredmobile_delegate.so"] / 1e3,
    ]
    assert [float(figure) for figure in paragraph.groups()] == pytest.approx(sizes, rel=0.1)


def test_an_apk_that_may_use_the_network_is_refused(tmp_path):
    """Signed and aligned as it should be; only the manifest asks for one permission more."""
    tools = need_tools()
    place = prepare(tools, tmp_path / "work")
    main, unsigned, apk = (tmp_path / name for name in ("main", "unsigned.apk", "network.apk"))
    shutil.copytree(place.main / "res", main / "res")
    manifest = (place.main / "AndroidManifest.xml").read_text()
    (main / "AndroidManifest.xml").write_text(
        manifest.replace("<application", '<uses-permission android:name="android.permission.INTERNET" />\n<application', 1)
    )
    base, _ = link_resources(main, place.android, (1, "test"), tools, place.work)
    pack(entries_of(base), unsigned)
    sign(unsigned, open_keystore(None, None, tools, tmp_path / "keytool.log"), tools, apk, tmp_path / "sign.log")
    with pytest.raises(
        ToolError, match=r"network.apk: the manifest asks for android.permission.INTERNET; the app promises never to use a network\.$"
    ):
        checks.check_apk(apk, tools, tmp_path)


def test_built_again_elsewhere_it_has_the_same_bytes(built, model, tmp_path):
    again = build(model, tmp_path / "again.apk", tmp_path / "work")
    assert again.apk.read_bytes() == built.apk.read_bytes()


@pytest.fixture(scope="module")
def on_the_jvm(model, work):
    return run_jvm_tests(model, find("models", "red_mobile") / "red_mobile_int8.tflite", work)


def test_the_apps_tests_pass_on_the_jvm(on_the_jvm):
    assert on_the_jvm.passed >= 50
    assert {"dev.redmobile.tflite.InterpreterTest", "dev.redmobile.demo.benchmark.BenchmarkActivityTest"} <= set(on_the_jvm.classes)
    assert {f"dev.redmobile.demo.camera.{name}Test" for name in ("LivePipeline", "Camera2Source", "LiveState")} <= set(on_the_jvm.classes)


@pytest.mark.parametrize("run", ["latency-1", "video-1", "both", "long-1", "german"])
def test_what_the_benchmark_activity_writes_fits_the_schema(on_the_jvm, run):
    for result in read_results(on_the_jvm.screenshots / f"{run}.json"):
        assert result.run_id == run
        assert result.plan in {"model_latency", "video_1080p30", "soak_1080p30"}


@pytest.mark.parametrize(("run", "plan", "changed"), [("german", "model_latency", {"warm_up": 1, "runs": 40}), ("long-1", "soak_1080p30", {})])
def test_the_activity_has_the_plans_of_the_repository(on_the_jvm, run, plan, changed):
    (result,) = read_results(on_the_jvm.screenshots / f"{run}.json")
    asked = load_plan(plan)
    way = asked.way
    expected = msgspec.structs.replace(asked, threads=2, **{way: msgspec.structs.replace(getattr(asked, way), **changed)})
    assert result.settings == expected


def test_the_activitys_figures_are_those_that_redmobile_computes(on_the_jvm):
    (result,) = read_results(on_the_jvm.screenshots / "german.json")
    expected = stats.summarize(result.measured.samples_ms)
    for name in expected.__struct_fields__:
        assert getattr(result.measured.latency, name) == pytest.approx(getattr(expected, name))
    assert result.measured.drift.relative == pytest.approx(stats.drift(result.measured.samples_ms).relative)
    frames, _ = read_results(on_the_jvm.screenshots / "video-1.json")
    assert frames.latency.p99_ms == pytest.approx(stats.summarize([frame.latency_ms for frame in frames.frames]).p99_ms)


@pytest.mark.skipif(sys.platform != "linux", reason="unidbg's emulator is tried on Linux only")
def test_on_androids_own_libc_it_computes_the_same_but_for_a_known_rounding(built):
    found = run_on_bionic(built.apk, find("models", "red_mobile") / "demo", 3, Delegate("redmobile"))
    assert found.faults == ()
    assert len({frame.sha256 for frame in found.frames}) == 3
    assert all(frame.different == 0 for frame in found.frames) or {origin.kind for origin in found.origins} <= set(ROUNDS_OTHERWISE)
    assert max(frame.largest for frame in found.frames) <= 16
    assert set(found.refused) == set(REFUSALS)
    assert "libmissing.so" in found.refused["delegate"]
    assert found.delegate.name == "libredmobile_delegate.so"
    nodes, left, _, own = found.delegate.coverage
    assert (nodes, left, own) == (found.coverage[0], 0, 1), "our kernels take one piece, XNNPACK what they leave"
    assert [frame.different for frame in found.delegate.frames] == [0, 0, 0], "and give LiteRT's bytes"


@pytest.fixture
def on_a_phone(model, work, connected, monkeypatch):
    """`redmobile bench` on a device whose app is the real one; arguments → (exit code, the result's path). A busy computer may take its time."""
    monkeypatch.setattr("redmobile.android.app_benchmark._FIRST_WORD_S", 600.0)
    monkeypatch.setattr("redmobile.bench.phone.with_app._GRACE_S", 900.0)
    app = prepare_jvm(model, find("models", "red_mobile") / "red_mobile_int8.tflite", work)
    with JvmDemoApp(connected, app) as played:

        def run(plan, out, *more):
            options = [f"--target-option={option}" for option in ("tries=1", "cool_down=0", "sample=60")]
            words = ("bench", plan, "--on", f"adb:{connected.serial}", "--model", str(model), "--out", str(out), *options, *more)
            ended = CliRunner().invoke(group, words)
            assert ended.exit_code == 0, (ended.output, ended.exception)
            return played

        yield run


def test_bench_on_adb_from_the_command_to_the_report(on_a_phone, model, tmp_path):
    """The app's own code measures with XNNPACK and with our kernels, and a stream; JSON by the schema; a page of both. 5 runs are never trusted."""
    latency, video, page = (tmp_path / name for name in ("latency.json", "video.json", "report.html"))
    delegates = ("--delegate", "cpu", "--delegate", "redmobile")
    on_a_phone("model_latency", latency, *delegates, "--runs", "5", "--threads", "2")
    played = on_a_phone("video_1080p30", video, "--seconds", "1", "--threads", "2")
    for path in (latency, video):
        jsonschema.validate(json.loads(path.read_text()), schema())
    one, other = read_results(latency)
    (stream,) = read_results(video)
    assert one.measured.load.delegate.ran == "XNNPACK"
    assert other.measured.load.delegate.ran.startswith("libredmobile_delegate.so")
    assert [len(result.measured.samples_ms) for result in (one, other)] == [5, 5]
    assert one.measured.latency == stats.summarize(one.measured.samples_ms)
    assert (stream.offered, len(stream.frames) + stream.dropped) == (30, 30)
    assert {one.target, other.target, stream.target} == {one.target}
    assert one.measured.model.sha256 == stream.model.sha256 == sha256_file(model)
    assert [extras["delegates"] for extras in played.started] == ["cpu", "redmobile", "cpu"]
    assert not [path for path in played.phone.path("/sdcard/Android/data").rglob("*") if path.is_file()], "what was copied there is removed"
    ended = CliRunner().invoke(group, ["report", str(latency), str(video), "--out", str(page)])
    assert ended.exit_code == 0, ended.output
    assert all(words in page.read_text() for words in ("libredmobile_delegate.so", "Redmobile Test Phone 8", "video_1080p30"))
