"""The wheel: it holds the shelves, and an installed redmobile finds them."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel of this checkout, built by the same backend that pip uses."""
    folder = tmp_path_factory.mktemp("wheel")
    code = f"from hatchling.build import build_wheel; print(build_wheel({str(folder)!r}))"
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True)
    (built,) = folder.glob("*.whl")
    return built


def test_it_holds_the_package_and_the_shelves_and_nothing_else(wheel):
    names = zipfile.ZipFile(wheel).namelist()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"redmobile", next(top for top in tops if top.endswith(".dist-info"))}
    assert "redmobile/_shelf/models/red_mobile/model.toml" in names
    assert "redmobile/_shelf/models/red_mobile/red_mobile.onnx" in names
    assert "redmobile/_shelf/models/red_mobile/PHOTOGRAPHS.md" in names
    assert "redmobile/_shelf/converters/litert_int8.toml" in names
    assert "redmobile/_shelf/converters/npu_rules/ethos_u65.toml" in names
    assert "redmobile/_shelf/benchmarks/model_latency.toml" in names
    assert "redmobile/_shelf/benchmarks/conversion_peers/onnx2tf.txt" in names
    assert "redmobile/_shelf/android_demo/pom.xml" in names
    assert "redmobile/py.typed" in names


def test_an_installed_wheel_finds_its_shelves_without_the_checkout(wheel, tmp_path):
    environment = tmp_path / "environment"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", str(environment)], check=True)
    (site,) = environment.glob("lib/python*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    code = "from redmobile import shelf; print(shelf.find('models', 'red_mobile')); print(*shelf.names('converters'), *shelf.names('benchmarks'))"
    clean = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "REDMOBILE_SHELF")}
    python = environment / "bin" / "python"
    told = subprocess.run([python, "-I", "-c", code], cwd=tmp_path, env=clean, capture_output=True, text=True, check=True).stdout.splitlines()
    assert Path(told[0]) == site / "redmobile" / "_shelf" / "models" / "red_mobile"
    assert {"litert_int8", "model_latency"} <= set(told[1].split())
    shutil.rmtree(environment)
