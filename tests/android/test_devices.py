"""`adb devices` read and explained."""

import pytest

from redmobile.android.devices import parse_devices

SAID = """* daemon not running; starting now at tcp:5037
* daemon started successfully
List of devices attached
R5CT30XYZ              device usb:1-1 product:o1s model:SM_G991B device:o1s transport_id:1
192.168.1.20:5555      offline transport_id:2
emulator-5554          unauthorized transport_id:3
0123456789ABCDEF       no permissions (user in plugdev group; are your udev rules wrong?); see [http://developer.android.com] usb:1-2

"""


def test_each_line_is_a_device_with_its_state():
    found = parse_devices(SAID)
    assert [(one.serial, one.state, one.model) for one in found] == [
        ("R5CT30XYZ", "device", "SM G991B"),
        ("192.168.1.20:5555", "offline", ""),
        ("emulator-5554", "unauthorized", ""),
        ("0123456789ABCDEF", "no permissions", ""),
    ]


@pytest.mark.parametrize(("number", "word"), [(0, "ready"), (1, "adb reconnect"), (2, "Allow USB debugging"), (3, "udev")])
def test_a_state_is_said_with_what_to_do(number, word):
    assert word in str(parse_devices(SAID)[number])
