"""What a device says of itself."""

import pytest

from redmobile.android.device import Device
from redmobile.android.facts import Core, core_mask, read_facts
from redmobile.errors import UsageError

EIGHT = tuple(Core(number, mhz, "walt") for number, mhz in enumerate((2016.0,) * 3 + (2803.2,) * 4 + (3187.2,)))


def test_everything_is_read(connected):
    facts = read_facts(Device(connected.serial))
    assert (facts.name, facts.soc, facts.android, facts.api) == ("Redmobile Test Phone 8", "Qualcomm SM8550", "14", 34)
    assert facts.abis == ("arm64-v8a", "armeabi-v7a", "armeabi")
    assert facts.memory_bytes == 11534336 * 1024
    assert "asimddp" in facts.features
    assert facts.cores == EIGHT


def test_what_a_device_does_not_tell_is_empty(connected):
    for name in ("ro.soc.manufacturer", "ro.soc.model", "ro.build.version.sdk"):
        connected.set_property(name, "")
    connected.path("/proc/cpuinfo").unlink()
    connected.path("/sys/devices/system/cpu/cpu0/cpufreq/cpuinfo_max_freq").unlink()
    facts = read_facts(Device(connected.serial))
    assert (facts.soc, facts.api, facts.features) == ("kalama", 0, ())
    assert facts.cores[0].max_mhz == 0


@pytest.mark.parametrize(("wanted", "mask"), [("all", 0xFF), ("little", 0x07), ("middle", 0x78), ("big", 0x80), ("f0", 0xF0), ("0xF0", 0xF0)])
def test_cores_by_name_and_by_mask(wanted, mask):
    assert core_mask(EIGHT, wanted) == mask


@pytest.mark.parametrize("wanted", ["fast", "100", "0", ""])
def test_cores_that_are_not_there(wanted):
    with pytest.raises(UsageError, match=r"no such cores.*all \(ff\), little \(7\), middle \(78\), big \(80\)"):
        core_mask(EIGHT, wanted)
