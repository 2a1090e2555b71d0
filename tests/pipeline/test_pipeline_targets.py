"""Recipes of NPUs on the network that comes along: converted, compiled with Vela, nothing on the CPU."""

import importlib.util

import msgspec
import pytest

from redmobile.core.converter import load_converter
from redmobile.npu.rules import judge, load_rules
from redmobile.npu.vela import compile_with_vela, settings_for
from redmobile.pipeline import ConversionOptions, convert, find_source

FRAMES = 2
SEARCHED = 0
"""Trials of the range search: what the ranges are changes nothing of what an NPU takes, nor of Vela's cycles."""


def converted(recipe):
    """RED-mobile as `recipe` says, quantized in a hurry."""
    source, chosen = find_source("red_mobile"), load_converter(recipe)
    assert chosen.quantize is not None
    activations = msgspec.structs.replace(chosen.quantize.activations, search=SEARCHED)
    hurried = msgspec.structs.replace(chosen, quantize=msgspec.structs.replace(chosen.quantize, activations=activations))
    return convert(source.onnx, hurried, source.calibration, ConversionOptions(samples=FRAMES))


def test_ethos_u55_and_u65_have_one_lowering():
    assert load_converter("ethos_u55").lowering == load_converter("ethos_u65").lowering


@pytest.mark.slow
@pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
@pytest.mark.parametrize(("recipe", "targets"), [("ethos_u65", {"ethos_u65": 44, "ethos_u55": 10.8}), ("ethos_u85", {"ethos_u85": 54})])
def test_nothing_of_red_mobile_stays_on_the_cpu(recipe, targets):
    made = converted(recipe)
    assert made.report.quantization is not None
    assert made.report.quantization.stages["psnr_db"] > 40
    assert any("in the shape of the rows" in line for line in made.report.explained)
    for target, frames_per_second in targets.items():
        estimate = compile_with_vela(made.data, settings_for(target))
        assert estimate.cpu == ()
        assert estimate.frames_per_second >= frames_per_second


@pytest.mark.slow
@pytest.mark.parametrize("target", ["qualcomm_htp", "mediatek_apu", "samsung_npu", "nnapi", "edge_tpu"])
def test_no_rule_of_the_target_is_broken(target):
    table = load_rules(target)
    assert [finding.says for operator in converted(target).model.operators if (finding := judge(table, operator)).verdict == "falls back"] == []
