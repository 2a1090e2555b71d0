"""The other converters themselves, where their environments have been made: `redmobile bench conversion_peers` makes them."""

import pytest

from redmobile import shelf
from redmobile.bench.peers.environments import environment_folder, is_ready
from redmobile.bench.peers.runner import Choice, compare_converters
from redmobile.bench.plan import load_plan

pytestmark = pytest.mark.slow

PLAN = """
says = "a small network through every converter"
[closed_loop]
warm_up = 1
runs = 4
block = 2
[conversion]
precisions = ["int8"]
threads = [1]
frames = 2
pictures = 2
[[conversion.converter]]
name = "redmobile"
driver = "redmobile_convert"
recipes = { int8 = "litert_int8" }
[[conversion.converter]]
name = "onnx2tf"
driver = "onnx2tf"
environment = "onnx2tf"
[[conversion.converter]]
name = "litert-torch"
driver = "litert_torch"
takes = "module"
environment = "litert_torch"
[[conversion.network]]
name = "small"
source = "timm"
what = "mobilenetv3_small_050"
size = [64, 64]
"""


@pytest.fixture
def plan(tmp_path):
    folder = shelf.find("benchmarks", "conversion_peers").parent
    text = PLAN
    for name, environment in load_plan("conversion_peers").conversion.environment.items():
        requirements = folder / environment.requirements
        if not is_ready(environment_folder(name, requirements)):
            pytest.skip(f"the environment '{name}' has not been made; `redmobile bench conversion_peers` makes it (gigabytes, minutes)")
        text += f'[conversion.environment.{name}]\nrequirements = "{requirements}"\ndisk_mib = {environment.disk_mib}\n'
    text += '[conversion.vela]\naccelerator = "ethos-u65-512"\nenvironment = "vela"\n'
    (tmp_path / "plan.toml").write_text(text)
    return str(tmp_path / "plan.toml")


def test_each_converts_the_same_network_and_its_file_is_measured(plan, tmp_path):
    result = compare_converters(plan, Choice(tmp_path / "out"))
    (network,) = result.networks
    assert network.weights_sha256 is not None
    rows = {row.converter: row for row in result.rows}
    for name, package in (("onnx2tf", "onnx2tf"), ("litert-torch", "ai-edge-quantizer")):
        row = rows[name]
        assert (row.outcome, row.reason, row.missing) == ("converted", "", {})
        assert row.conversion.onnx_sha256 == network.onnx_sha256
        assert package in row.conversion.versions
        assert row.graph.operators["CONV_2D"] > 20
        assert row.load.inputs[0].shape == (1, 64, 64, 3)
        assert row.load.inputs[0].dtype == "int8"
        assert row.fidelity.psnr_db > 10
        assert row.vela.npu_operators > row.vela.cpu_operators
        assert row.latency[0].time.n == 4
