"""The demo app on a device: install, start, logs, through Debian's adb."""

import pytest

from redmobile.android import demo_app
from redmobile.android.device import Device
from redmobile.core.artifact import sha256_file
from redmobile.errors import DeviceError, InputError, ToolError


@pytest.fixture
def device(connected):
    return Device(connected.serial)


@pytest.fixture
def apk(tmp_path):
    path = tmp_path / "demo.apk"
    path.write_bytes(b"PK\x03\x04 an app")
    return path


@pytest.fixture
def opened(connected):
    """What `am` was told; it does what it is told."""
    told = []

    def am(arguments):
        told.append(arguments)
        return 0, "Starting: Intent\n"

    connected.tools["am"] = am
    return told


def test_install(device, apk, connected):
    assert demo_app.install(device, apk) == sha256_file(apk)
    assert "dev.redmobile.demo" in (connected.root / "state/packages").read_text()
    assert not list(connected.path("/data/local/tmp").iterdir())


@pytest.mark.parametrize(
    ("failure", "kind", "says"),
    [
        ("INSTALL_FAILED_INSUFFICIENT_STORAGE", ToolError, "there is no space left on"),
        ("INSTALL_FAILED_UPDATE_INCOMPATIBLE: signatures do not match", ToolError, "adb uninstall dev.redmobile.demo"),
        ("INSTALL_FAILED_NO_MATCHING_ABIS: Failed to extract native libraries", DeviceError, "it is built for arm64-v8a"),
        ("INSTALL_FAILED_OLDER_SDK", DeviceError, "Android is too old"),
        ("INSTALL_FAILED_TEST_ONLY", ToolError, r"installing demo.apk: failed on .*INSTALL_FAILED_TEST_ONLY"),
    ],
)
def test_an_installation_that_android_refuses(device, apk, connected, failure, kind, says):
    (connected.root / "state/install_failure").write_text(failure)
    with pytest.raises(kind, match=says):
        demo_app.install(device, apk)


def test_what_is_installed_must_be_an_app(device, tmp_path):
    with pytest.raises(InputError, match=r"is no \.apk"):
        demo_app.install(device, tmp_path / "model.tflite")
    with pytest.raises(InputError, match="no such file"):
        demo_app.install(device, tmp_path / "nothing.apk")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("ro.product.cpu.abilist", "x86_64", "its processor runs x86_64; arm64-v8a is needed"),
        ("ro.build.version.sdk", "24", "has Android 14 .API 24"),
    ],
)
def test_a_device_that_cannot_run_it(device, apk, connected, name, value, says):
    connected.set_property(name, value)
    with pytest.raises(DeviceError, match=says):
        demo_app.install(device, apk)


def test_start_opens_the_first_screen(device, connected, opened):
    connected.install(demo_app.PACKAGE)
    assert demo_app.start(device) == "dev.redmobile.demo/.MainActivity"
    assert opened == [["start", "-n", "dev.redmobile.demo/.MainActivity"]]


def test_start_without_the_app(device):
    with pytest.raises(DeviceError, match=r"is not installed\. Install the demo app first"):
        demo_app.start(device)


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("Error type 3\nError: Activity class {x} does not exist.\n", DeviceError),
        ("java.lang.SecurityException: Permission Denial\n", ToolError),
    ],
)
def test_an_activity_that_cannot_be_started_though_am_ends_well(device, connected, said, kind):
    connected.install(demo_app.PACKAGE)
    connected.tools["am"] = lambda _: (0, f"Starting: Intent\n{said}")
    with pytest.raises(kind):
        demo_app.start(device)


def test_logs_are_the_apps_and_those_of_crashes(device, connected):
    connected.log("redmobile", "run a done")
    connected.log("Zygote", "not ours")
    connected.log("AndroidRuntime", "FATAL EXCEPTION: main", "E")
    heard = []
    lines = demo_app.logs(device, on_line=heard.append)
    assert heard == lines
    assert [line.partition("): ")[2] for line in lines if "): " in line] == ["run a done", "FATAL EXCEPTION: main"]


def test_following_the_log_ends_with_the_connection(device, connected):
    connected.log("redmobile", "run a done")
    heard = []

    def pull_out(line):
        heard.append(line)
        connected.pull_the_cable()

    with pytest.raises(DeviceError, match=r"reading the log: the connection to .* broke off"):
        demo_app.follow_logs(device, pull_out)
    assert "run a done" in heard[0]
