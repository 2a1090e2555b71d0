"""docs/ethos_u.md tells of every model on the shelf what Vela estimates today."""

import importlib.util
import re
from pathlib import Path

import pytest

from redmobile import shelf
from redmobile.bench.runner import bench, model_file
from redmobile.core.environment import version_of

TABLE = (Path(__file__).parents[2] / "docs" / "ethos_u.md").read_text()
ACCELERATORS = ("ethos-u55-256", "ethos-u65-512", "ethos-u85-512")
MODELS = [name for name in shelf.names("models") if (shelf.find("models", name) / f"{name}_int8.tflite").is_file()]


def rows():
    """(device, file) → (frames a second, operators on the CPU)."""
    found = re.findall(r"^\| Arm (\S+) \| (\S+) \| .* \| ([\d.,]+) fps \| (\d+) \|$", TABLE, re.MULTILINE)
    return {(device.lower(), file.replace("\\_", "_")): (float(rate), int(left)) for device, file, rate, left in found}


@pytest.mark.skipif(importlib.util.find_spec("ethosu") is None, reason="ethos-u-vela is not installed: pip install 'redmobile[npu]'")
@pytest.mark.parametrize("accelerator", ACCELERATORS)
@pytest.mark.parametrize("model", MODELS)
def test_the_table_tells_what_vela_estimates(model, accelerator):
    told = rows()[accelerator, model_file(model).name]
    (version,) = set(re.findall(r"^\| Vela \| (\S+) \|$", TABLE, re.MULTILINE))
    if version != version_of("ethos-u-vela"):
        pytest.skip(f"the table was made with Vela {version}, {version_of('ethos-u-vela')} is installed")
    estimated = bench("model_latency", model, on=accelerator).estimated
    assert told == (pytest.approx(estimated.frames_per_second, rel=0.02), estimated.cpu_operators)


def test_the_table_tells_of_no_other_model():
    assert set(rows()) == {(accelerator, model_file(model).name) for accelerator in ACCELERATORS for model in MODELS}
