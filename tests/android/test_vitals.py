"""Heat, clocks, battery."""

import time

from adb_device import Cut

from redmobile.android.device import Device
from redmobile.android.vitals import Sampler, parse_vitals, read_vitals


def test_everything_is_read(connected):
    connected.write("/sys/class/power_supply/battery/current_now", "-412000\n")
    vitals = read_vitals(Device(connected.serial))
    assert vitals.thermal_status == 0
    assert vitals.temperatures_c == {"skin": 38.5, "CPU0": 52.0, "battery": 31.0}
    assert vitals.clocks_mhz["cpu0"] == 1008.0
    assert len(vitals.clocks_mhz) == 8
    assert (vitals.battery_percent, vitals.battery_c, vitals.battery_ma, vitals.charging) == (82.0, 31.0, -412.0, False)


def test_what_a_device_does_not_tell_is_none():
    vitals = parse_vitals("Can't find service: thermalservice\n@battery\nCan't find service: battery\n@current\n\n@clocks\n", 1.0)
    assert (vitals.thermal_status, vitals.battery_percent, vitals.battery_c, vitals.battery_ma) == (None, None, None, None)
    assert vitals.temperatures_c == vitals.clocks_mhz == {}


def test_samples_are_taken_while_the_block_runs(connected):
    device = Device(connected.serial)
    with Sampler(device, 0.02) as sampler:
        while len(sampler.samples) < 2:
            time.sleep(0.01)
        (connected.root / "state/thermal").write_text("3 45.0 80.0 40.0\n")
        while sampler.samples[-1].thermal_status != 3:
            time.sleep(0.01)
    assert [sample.moment for sample in sampler.samples] == sorted(sample.moment for sample in sampler.samples)


def test_a_device_that_goes_away_is_a_sample_missed(connected):
    connected.faults.cut = Cut("command", pattern="thermalservice")
    with Sampler(Device(connected.serial), 0.01) as sampler:
        while not any("thermalservice" in command for command in connected.commands):
            time.sleep(0.01)
    assert sampler.samples == []
