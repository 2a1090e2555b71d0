"""The check of a file: verdicts by rules and by LiteRT itself, pieces, islands, memory, advice."""

import json
from pathlib import Path

import pytest
from npu_models import NONE, Chain, shuffling, with_island

from redmobile.core.results import to_json
from redmobile.errors import InputError, UnsupportedModelError
from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel
from redmobile.npu.check_file import check_file
from redmobile.npu.islands import float_islands

RED_MOBILE = Path(__file__).parents[2] / "models" / "red_mobile" / "red_mobile_int8.tflite"


def test_rules_alone_tell_what_falls_back_and_what_helps(tmp_path):
    report = check_file(shuffling().write(tmp_path / "a.tflite"), "ethos_u65", compiles=False)
    assert report.counts == {"delegated": 1, "falls back": 1}
    (fallback,) = report.fallbacks
    assert (fallback.op, fallback.name, fallback.rule) == ("DEPTH_TO_SPACE", "shuffled", "depth-to-space")
    assert report.macs == {"delegated": 16 * 24 * 16 * 16, "falls back": 0}
    assert report.partitions == 1
    assert not report.passed
    assert any("--with ethos_u65" in sentence for sentence in report.advice)
    assert "Only the rules were checked" in report.remarks[0]


def test_litert_decides_for_xnnpack(tmp_path):
    chain = Chain().conv().op("HARD_SWISH").conv().op("AVERAGE_POOL_2D", (1, 15, 23, 16), padding="VALID", filter_height=2, filter_width=2, **NONE)
    chain.operators[-1].options |= {"stride_w": 1, "stride_h": 1}
    report = check_file(chain.conv().write(tmp_path / "a.tflite"), "xnnpack")
    assert [finding.op for finding in report.fallbacks] == ["HARD_SWISH", "AVERAGE_POOL_2D"]
    assert report.partitions == 3
    assert report.fallbacks[0].says.startswith("XNNPACK has no 8-bit HARD_SWISH")
    assert any("3 pieces" in sentence for sentence in report.advice)


def test_what_is_unknown_fails_nothing(tmp_path):
    report = check_file(shuffling().write(tmp_path / "a.tflite"), "google_tensor")
    assert report.counts == {"unknown": 2}
    assert report.passed
    assert report.partitions == 1


def test_the_shipped_network_is_taken_whole_by_rules_and_by_litert():
    assert check_file(RED_MOBILE, "xnnpack").counts == {"delegated": 79}
    for target in ("ethos_u55", "ethos_u65", "ethos_u85", "qualcomm_htp", "mediatek_apu", "samsung_npu"):
        report = check_file(RED_MOBILE, target, compiles=False)
        assert report.counts == {"delegated": 79}, target
        assert report.partitions == 1
    assert report.macs["delegated"] == 1_089_276_928
    assert report.peak.bytes == 18_800_640


def test_the_report_is_json(tmp_path):
    report = check_file(with_island().write(tmp_path / "a.tflite"), "ethos_u55", compiles=False)
    found = json.loads(to_json(report.as_json()))
    assert found["passed"] is False
    assert found["islands"] == [["float_part"]]
    assert found["counts"] == report.counts
    assert found["findings"][0]["op"] == "CONV_2D"
    assert found["environment"]["date"]


def test_a_file_that_is_none_and_a_custom_operator_are_refused(tmp_path):
    (tmp_path / "none.tflite").write_bytes(b"nothing of the kind")
    with pytest.raises(InputError, match="not a TFLite file"):
        check_file(tmp_path / "none.tflite", "ethos_u55")
    with pytest.raises(InputError, match="no such file"):
        check_file(tmp_path / "absent.tflite", "ethos_u55")
    with pytest.raises(UnsupportedModelError, match="ethos-u"):
        check_file(_compiled(tmp_path), "ethos_u55")


def _compiled(folder):
    """What Vela leaves: one custom operator."""
    import flatbuffers
    from ai_edge_litert import schema_py_generated as schema

    model = schema.ModelT.InitFromPackedBuf(shuffling().write(folder / "a.tflite").read_bytes())
    model.operatorCodes[0].builtinCode = model.operatorCodes[0].deprecatedBuiltinCode = schema.BuiltinOperator.CUSTOM
    model.operatorCodes[0].customCode = "ethos-u"
    for operator in model.subgraphs[0].operators:
        operator.builtinOptionsType, operator.builtinOptions = 0, None
    builder = flatbuffers.Builder(1024)
    builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
    path = folder / "custom.tflite"
    path.write_bytes(bytes(builder.Output()))
    return path


def test_islands_lie_between_integers():
    assert float_islands(with_island().model()) == [("float_part",)]
    head = Chain(dtype="float32").op("HARD_SWISH").op("QUANTIZE", dtype="int8").conv()
    tail = Chain().conv().op("DEQUANTIZE", dtype="float32").op("HARD_SWISH")
    throughout = Chain(dtype="float32").op("HARD_SWISH").op("TANH")
    for chain in (head, tail, throughout):
        assert float_islands(chain.model()) == []


def test_operators_that_touch_are_one_island_and_others_two():
    chain = Chain().conv().op("DEQUANTIZE", dtype="float32").op("HARD_SWISH", name="a").op("TANH", name="b").op("QUANTIZE", dtype="int8").conv()
    chain.op("DEQUANTIZE", dtype="float32").op("TANH", name="c").op("QUANTIZE", dtype="int8").conv()
    assert float_islands(chain.model()) == [("a", "b"), ("c",)]


def test_two_branches_that_meet_are_one_island():
    image, real, out = Tensor("image", (4,), "int8"), Tensor("real", (4,), "float32"), Tensor("out", (4,), "int8")
    parts = [Tensor(name, (4,), "float32") for name in ("a", "b", "c")]
    operators = [
        Operator("DEQUANTIZE", [image], [real]),
        Operator("TANH", [real], [parts[0]]),
        Operator("ABS", [real], [parts[1]]),
        Operator("ADD", parts[:2], [parts[2]]),
        Operator("QUANTIZE", [parts[2]], [out]),
    ]
    assert float_islands(TfliteModel(operators, [image], [out])) == [("a", "b", "c")]


def test_advice_names_full_resolution_memory_and_edges(tmp_path):
    chain = Chain((1, 480, 640, 3), dtype="uint8").op("QUANTIZE", dtype="int8").conv(16, 3).conv(16, 3).conv(3, 3)
    advice = " ".join(check_file(chain.write(tmp_path / "a.tflite"), "ethos_u55", compiles=False).advice)
    assert "Run the body at 1/4 resolution: 100% of the multiply-accumulates" in advice
    assert "--io int8" in advice
    assert "image is uint8" in advice
    assert "bytes for each value of the input" in advice


def test_a_large_stride_is_taken_but_costs(tmp_path):
    chain = Chain((1, 64, 64, 3)).conv(16, 4, 4, padding="VALID")
    report = check_file(chain.write(tmp_path / "a.tflite"), "ethos_u65", compiles=False)
    assert report.passed
    assert any(sentence.startswith("Strides above 3 are not native") for sentence in report.advice)
