"""Where a figure was taken."""

import datetime as dt
import platform

import numpy as np

from redmobile.core.environment import cpu_name, describe, version_of


def test_versions_are_those_that_are_imported():
    assert version_of("numpy") == np.__version__
    assert version_of("a-package-that-nobody-has") is None


def test_a_description_names_date_machine_and_versions():
    told = describe()
    assert dt.datetime.fromisoformat(told["date"]).tzinfo is not None
    assert told["python"] == platform.python_version()
    assert told["cores"] >= 1
    assert told["cpu"] == cpu_name() != ""
    assert told["packages"]["numpy"] == np.__version__
