"""The whole comparison, on a small network in real runtimes."""

from xml.etree import ElementTree as ET

import cv2
import msgspec
import numpy as np
import pytest

from redmobile.convert.metadata import FileMetadata, Port
from redmobile.core.artifact import sha256_file
from redmobile.core.metrics import METRICS
from redmobile.core.results import read_json, write_json
from redmobile.errors import DocumentError, InputError, MissingExtraError, UsageError
from redmobile.parity import chain
from redmobile.parity.check import check_parity
from redmobile.parity.junit import to_junit
from redmobile.parity.result import to_builtins

CONVERTER = "says = 'x'\n[quantize]\n"


@pytest.fixture
def converter(tmp_path):
    """Writes a converter with the gates given as (metric, against, threshold)."""

    def write(*gates, name="litert_int8.toml", text=CONVERTER):
        path = tmp_path / name
        lines = [f'[[gate]]\nmetric = "{metric}"\nagainst = "{against}"\nthreshold = {threshold}\n' for metric, against, threshold in gates]
        path.write_text(text + "".join(lines))
        return str(path)

    return write


def check(network, photos, converter, **options):
    return check_parity(str(network / "net_int8.tflite"), photos, onnx=network / "net.onnx", converter=converter, threads=1, **options)


def test_the_chain_is_compared_neighbour_by_neighbour(network, photos, converter):
    seen = []
    checked = check(network, photos, converter(("psnr", "float", 40.0)), on_progress=lambda *step: seen.append(step))
    result = checked.result
    assert [stage.name for stage in result.stages] == ["onnx", "float", "int8"]
    assert [(pair.expected, pair.found) for pair in result.pairs] == [("onnx", "float"), ("float", "int8")]
    assert result.images == ("large.png", "small.png", "whole.png")
    assert seen == [(1, 3), (2, 3), (3, 3)]
    assert result.findings == ()
    assert result.passed
    exact, quantized = result.pairs
    assert exact.pooled["max_difference"] <= 1
    assert quantized.pooled["psnr"] > 45
    assert quantized.pooled["max_difference"] >= 1
    assert set(quantized.worst) == set(METRICS)
    assert [gate.outcome for gate in result.gates] == ["passed"]


def test_numbers_stand_beside_what_they_were_taken_with(network, photos, converter):
    name = converter()
    result = check(network, photos, name).result
    assert result.stages[-1].sha256 == sha256_file(network / "net_int8.tflite")
    assert result.stages[0].sha256 == sha256_file(network / "net.onnx")
    assert result.stages[1].file == "lowered from net.onnx"
    assert [stage.runtime.split()[0] for stage in result.stages] == ["onnxruntime", "litert", "litert"]
    assert result.stages[-1].input == "image: 1×32×48×3 int8 NHWC"
    assert (result.converter, result.threads) == (name, 1)
    assert "packages" in result.environment


def test_a_failed_gate_is_a_result_not_an_error(network, photos, converter, writers):
    writers[1](network / "net_int8.tflite", gain=1.2)
    result = check(network, photos, converter(("psnr", "float", 40.0), ("max_difference", "onnx", 255))).result
    assert not result.passed
    assert [gate.outcome for gate in result.gates] == ["failed", "passed"]
    assert ("onnx", "int8") in [(pair.expected, pair.found) for pair in result.pairs]
    assert result.gates[0].worst.image in result.images


def test_a_gate_against_what_is_not_there_is_not_passed(network, photos, converter):
    result = check(network, photos, converter(("psnr", "torch", 1.0))).result
    assert [gate.outcome for gate in result.gates] == ["not judged"]
    assert not result.passed
    assert any("torch is left out: no torch network was named" in remark for remark in result.remarks)
    one_judged = check(network, photos, converter(("psnr", "torch", 1.0), ("psnr", "float", 1.0))).result
    assert one_judged.passed


def test_sizes_that_differ_are_found_before_a_number_is_computed(network, photos, converter, writers):
    writers[0](network / "net.onnx", width=40)
    checked = check(network, photos, converter(("psnr", "float", 1.0)))
    assert checked.result.findings == (
        "int8: image: 1×32×48×3 int8 NHWC is 32×48, the stage before has 32×40.",
        "int8: enhanced: 1×32×48×3 int8 NHWC is 32×48, the stage before has 32×40.",
    )
    assert checked.result.pairs == ()
    assert checked.sheet is None
    assert not checked.result.passed
    assert checked.result.gates[0].says == "float is not there: nothing was computed"


def test_channels_that_do_not_fit_are_found(network, photos, converter, writers):
    writers[0](network / "net.onnx", channels=1)
    assert any("is not one RGB picture" in finding for finding in check(network, photos, converter()).result.findings)


def test_values_that_are_not_finite_are_found_with_stage_and_picture(network, photos, converter, writers):
    writers[0](network / "net.onnx", gain=-1.0, tail="Sqrt")
    write_float(network / "net_float.tflite")
    checked = check(network, photos, converter(("psnr", "float", 1.0)), float_file=network / "net_float.tflite")
    (finding,) = checked.result.findings
    assert finding.startswith("large.png: onnx: ")
    assert finding.endswith("of its output 'enhanced' are not finite.")
    assert checked.result.pairs == ()
    assert not checked.result.passed


def write_float(path):
    from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
    from redmobile.graph.tflite_write import write_tflite

    x, y = Tensor("image", (1, 32, 48, 3), "float32"), Tensor("enhanced", (1, 32, 48, 3), "float32")
    path.write_bytes(write_tflite(TfliteModel([Operator("RELU", [x], [y])], [x], [y])))


def test_a_float_file_of_one_s_own(network, photos, converter):
    write_float(network / "net_float.tflite")
    result = check_parity(str(network / "net_int8.tflite"), photos, float_file=network / "net_float.tflite", converter=converter(), threads=1).result
    assert [stage.name for stage in result.stages] == ["float", "int8"]
    assert result.stages[0].file.endswith("net_float.tflite")


def test_a_float_converter_s_file_is_the_float_stage(network, photos, converter):
    write_float(network / "net_float.tflite")
    name = converter(("psnr", "onnx", 1.0), ("psnr", "float", 1.0), name="litert_fp32.toml", text="says = 'x'\n")
    result = check_parity(str(network / "net_float.tflite"), photos, onnx=network / "net.onnx", converter=name, threads=1).result
    assert [stage.name for stage in result.stages] == ["onnx", "float"]
    assert [gate.outcome for gate in result.gates] == ["passed", "not judged"]


def test_ground_truth(network, photos, converter, tmp_path):
    high = tmp_path / "high"
    high.mkdir()
    for path in photos.iterdir():
        bright = np.clip(cv2.imread(str(path)) * 1.6, 0, 255).round().astype(np.uint8)
        cv2.imwrite(str(high / f"{path.stem}.bmp"), bright)
    truth = check(network, photos, converter(), truth=high).result.truth
    assert [row.stage for row in truth.rows] == ["onnx", "float", "int8"]
    means = {row.stage: row.mean["psnr"] for row in truth.rows}
    assert truth.loss_from == "float"
    assert truth.loss_psnr_db == pytest.approx(means["float"] - means["int8"])
    assert means["onnx"] > 45


def test_truth_that_is_missing_or_of_another_size(network, photos, converter, tmp_path):
    high = tmp_path / "high"
    high.mkdir()
    with pytest.raises(InputError, match="high: holds no pictures"):
        check(network, photos, converter(), truth=high)
    for name in ("large", "small"):
        cv2.imwrite(str(high / f"{name}.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match=r"no picture of the same name for 1 of 3, e\.g\. whole\.png"):
        check(network, photos, converter(), truth=high)
    cv2.imwrite(str(high / "whole.png"), np.zeros((9, 9, 3), np.uint8))
    with pytest.raises(InputError, match=r"large\.png: is 9×9, its picture .*large\.png is 60×50; they must agree"):
        check(network, photos, converter(), truth=high)
    with pytest.raises(InputError, match=r"nowhere: no such folder"):
        check(network, photos, converter(), truth=tmp_path / "nowhere")


def test_a_picture_too_small_to_compare(network, converter, tmp_path):
    cv2.imwrite(str(tmp_path / "tiny.png"), np.zeros((10, 40, 3), np.uint8))
    with pytest.raises(InputError, match=r"tiny\.png: is 40×10, at least 11×11"):
        check(network, tmp_path / "tiny.png", converter())


def test_the_converter_comes_from_the_file_itself(network, photos, writers):
    port = Port(name="image", range=(0.0, 1.0), layout="NHWC", order="RGB")
    said = FileMetadata(name="net", version="1", converter="litert_int8", inputs=(port,), outputs=(port,), weights_sha256="", onnx_sha256="0" * 64)
    writers[1](network / "net_int8.tflite", metadata={"redmobile": msgspec.json.encode(said)})
    result = check(network, photos, None).result
    assert result.converter == "litert_int8"
    assert result.gates
    assert any("was converted from another ONNX file (sha256 000000000000) than net.onnx" in remark for remark in result.remarks)


def test_a_file_from_elsewhere_has_no_gates_and_says_so(network, photos):
    result = check(network, photos, None).result
    assert result.passed
    assert result.gates == ()
    assert result.stages[-1].name == "converted"
    assert any("does not say which converter made it" in remark for remark in result.remarks)


def test_nothing_to_compare_with(network, photos, converter):
    with pytest.raises(UsageError, match="nothing to compare it with; give --onnx, --float, --model or --on"):
        check_parity(str(network / "net_int8.tflite"), photos, converter=converter())


def test_unknown_metric_unknown_converter_missing_files(network, photos, converter, tmp_path):
    with pytest.raises(DocumentError, match="asks for the metric 'vmaf'"):
        check(network, photos, converter(("vmaf", "float", 1)))
    with pytest.raises(InputError, match="Unknown converter 'litert_int3'"):
        check(network, photos, "litert_int3")
    with pytest.raises(InputError, match=r"gone\.onnx: no such file"):
        check_parity(str(network / "net_int8.tflite"), photos, onnx=tmp_path / "gone.onnx")
    with pytest.raises(InputError, match=r"gone\.tflite: no such file"):
        check_parity(str(tmp_path / "gone.tflite"), photos, onnx=network / "net.onnx")
    with pytest.raises(InputError, match="nowhere: no such file or folder"):
        check(network, tmp_path / "nowhere", converter())
    with pytest.raises(InputError, match="Unknown model 'nobody'"):
        check_parity("nobody", photos)


def test_truncated_tflite(network, photos, converter):
    file = network / "net_int8.tflite"
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(InputError, match=r"net_int8\.tflite"):
        check(network, photos, converter())


def test_a_model_on_the_shelf_brings_its_own_files(network, photos, tmp_path, monkeypatch):
    folder = tmp_path / "models" / "mine"
    folder.mkdir(parents=True)
    (folder / "model.toml").write_text("")
    monkeypatch.setenv("REDMOBILE_SHELF", str(tmp_path))
    with pytest.raises(InputError, match=r"mine_int8\.tflite; convert it first"):
        check_parity("mine", photos)
    (network / "net_int8.tflite").rename(folder / "mine_int8.tflite")
    (network / "net.onnx").rename(folder / "mine.onnx")
    monkeypatch.setattr(chain, "version_of", lambda _: None)
    result = check_parity("mine", photos, threads=1).result
    assert [stage.name for stage in result.stages] == ["onnx", "float", "int8"]
    assert any("torch is left out: torch is not installed" in remark for remark in result.remarks)
    with pytest.raises(MissingExtraError, match=r"needs the package 'torch'"):
        check_parity("mine", photos, network="mine")


def test_the_sheet_shows_the_worst_picture(network, photos, converter):
    checked = check(network, photos, converter(("psnr", "float", 1.0)))
    worst = checked.result.pairs[-1].worst["psnr"].image
    shape = cv2.imread(str(photos / worst)).shape
    assert checked.sheet.shape[1] == 2 * min(shape[1], 48) + 8


def test_json_is_whole_even_with_infinite_decibels(network, photos, converter, tmp_path):
    write_float(network / "same.tflite")
    result = check_parity(str(network / "same.tflite"), photos, float_file=network / "same.tflite", converter=converter(), threads=1).result
    write_json(tmp_path / "p.json", to_builtins(result))
    found = read_json(tmp_path / "p.json")
    assert found["pairs"][0]["pooled"]["psnr"] == "inf"
    assert found["format"] == "redmobile.parity/1"


def junit(result):
    return ET.fromstring(to_junit(result)).find("testsuite")  # noqa: S314  we have just written it


def test_junit_has_a_case_a_gate(network, photos, converter):
    name = converter(("psnr", "float", 40.0), ("psnr", "float", 99.0), ("ssim", "torch", 0.9))
    suite = junit(check(network, photos, name).result)
    assert {key: suite.get(key) for key in ("tests", "failures", "errors", "skipped")} == {
        "tests": "4",
        "failures": "1",
        "errors": "0",
        "skipped": "1",
    }
    names = [case.get("name") for case in suite.findall("testcase")]
    assert names == ["shape, dtype, layout, finiteness", "psnr against float >= 40 dB", "psnr against float >= 99 dB", "ssim against torch >= 0.9"]
    assert all(case.get("classname") == "parity.int8" for case in suite.findall("testcase"))
    assert "worst" in suite.find("testcase/failure").get("message")
    properties = {entry.get("name"): entry.get("value") for entry in suite.findall("properties/property")}
    assert properties["sha256.int8"] == sha256_file(network / "net_int8.tflite")
    assert properties["converter"] == name


def test_junit_reports_findings_as_a_failure(network, photos, converter, writers):
    writers[0](network / "net.onnx", width=40)
    suite = junit(check(network, photos, converter(("psnr", "float", 40.0))).result)
    assert (suite.get("failures"), suite.get("skipped")) == ("1", "1")
    assert "the stage before has 32×40" in suite.find("testcase/failure").text


def test_junit_survives_names_that_xml_does_not_allow(network, photos, converter):
    (photos / "large.png").rename(photos / "bell\x07 & <b>.png")
    suite = junit(check(network, photos, converter(("psnr", "float", 99.0))).result)
    assert suite.get("failures") == "1"


def test_pictures_may_come_as_arrays_or_as_a_few_of_many(network, photos, converter, tmp_path):
    frames = np.stack([cv2.imread(str(photos / "whole.png"))[..., ::-1]] * 3)
    np.savez(tmp_path / "frames.npz", image=frames)
    by_arrays = check(network, tmp_path / "frames.npz", converter(), samples=2).result
    assert by_arrays.images == ("frames.npz#0", "frames.npz#2")
    by_picture = check(network, photos / "whole.png", converter()).result
    assert by_arrays.pairs[0].images[0].values == by_picture.pairs[0].images[0].values
    assert check(network, photos, converter(), samples=2).result.images == ("large.png", "whole.png")


def test_arrays_that_are_no_pictures_and_truths_of_them(network, converter, tmp_path):
    np.savez(tmp_path / "odd.npz", image=np.zeros((1, 32, 48), np.uint8))
    with pytest.raises(InputError, match=r"odd\.npz#0: one array of pictures .* 'image' 32×48 uint8"):
        check(network, tmp_path / "odd.npz", converter())
    with pytest.raises(UsageError, match="a ground truth goes with a folder of pictures"):
        check(network, tmp_path / "odd.npz", converter(), truth=tmp_path)
