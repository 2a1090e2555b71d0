"""How numbers are written."""

import math

import pytest

from redmobile.report.figures import Figure, percent, show


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (12.3456, "ms", "12.35 ms"),
        (99.996, "ms", "100.00 ms"),
        (1496.66, "ms", "1,496.7 ms"),
        (0, "bytes", "0 KiB"),
        (180_112, "bytes", "175.9 KiB"),
        (5 * 2**20, "bytes", "5.00 MiB"),
        (21 * 2**20, "bytes", "21.0 MiB"),
        (1_208_285_888, "count", "1,208,285,888"),
        (0.7133, "share", "71.3 %"),
        (30.38, "fps", "30.4 fps"),
        (1.0, "codes", "1 code"),
        (0.993943, "codes", "0.994 codes"),
        (8.4e-6, "codes", "<0.001 codes"),
        (0.99114, "score", "0.9911"),
        (math.inf, "dB", "∞"),
        (None, "ms", "–"),
    ],
)
def test_a_number_is_written_with_its_unit(value, unit, text):
    assert show(value, unit) == Figure("", value, unit).text == text


@pytest.mark.parametrize(("share", "text"), [(1.0, "100"), (0.9999, ">99.9"), (0.0, "0"), (0.0002, "<0.1"), (0.5, "50.0")])
def test_only_all_is_a_hundred_percent_and_only_nothing_none(share, text):
    assert percent(share) == text
