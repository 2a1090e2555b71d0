"""Plans are read strictly, and options change them."""

import msgspec
import pytest

from redmobile import shelf
from redmobile.bench.plan import ClosedLoop, OpenLoop, Plan, adapt, load_plan
from redmobile.errors import DocumentError, InputError, UsageError

CLOSED = Plan(says="a plan", closed_loop=ClosedLoop())
OPEN = Plan(says="a plan", open_loop=OpenLoop())


def plan_file(tmp_path, text):
    path = tmp_path / "own.toml"
    path.write_text(text)
    return str(path)


def test_every_plan_on_the_shelf_is_valid():
    assert {"model_latency", "video_1080p30"} <= set(shelf.names("benchmarks"))
    for name in shelf.names("benchmarks"):
        assert load_plan(name).says


def test_the_readme_tells_of_every_plan():
    (folder,) = shelf.shelf_folders("benchmarks")
    table = (folder / "README.md").read_text().partition("| plan |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1].strip() for line in ("| plan |" + table).splitlines() if line.startswith("| ")]
    assert sorted(rows[1:]) == shelf.names("benchmarks")


def test_the_budget_is_one_frame_s_time():
    assert load_plan("model_latency").frame_ms == pytest.approx(33.333, abs=1e-3)


def test_unknown_plan_names_those_that_are_known():
    with pytest.raises(InputError, match=r"Unknown benchmark 'latency'\. Known: accuracy, conversion_peers, model_latency, "):
        load_plan("latency")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("says = 'x'\nrun = 3\n[closed_loop]", "unknown field `run`"),
        ("says = 'x'\n[closed_loop]\nwarmup = 3", "unknown field `warmup`.*closed_loop"),
        ("says = 'x'\n[closed_loop]\nruns = 0", "Expected `int` >= 1.*closed_loop.runs"),
        ("says = 'x'\nfps = -1\n[closed_loop]", "Expected `float` > 0"),
        ("says = 'x'\n[budget]\nshare = 1.5\n[closed_loop]", "Expected `float` <= 1"),
        ("says = 'x'", r"exactly one of the tables \[closed_loop\], \[open_loop\], \[memory\], \[accuracy\]; found none"),
        ("says = 'x'\n[closed_loop]\n[open_loop]", "found closed_loop and open_loop"),
        ("[closed_loop]", "missing required field `says`"),
        ("says = [", "not valid TOML"),
    ],
)
def test_what_does_not_fit_is_named_with_file_and_key(tmp_path, text, said):
    path = plan_file(tmp_path, text)
    with pytest.raises(DocumentError, match=said) as caught:
        load_plan(path)
    assert str(caught.value).startswith(path)


def test_options_replace_values():
    found = adapt(CLOSED, threads=3, runs=7, fps=60, seconds=5)
    assert (found.threads, found.fps, found.closed_loop.runs, found.closed_loop.max_seconds) == (3, 60, 7, 5)
    assert found.closed_loop.warm_up == CLOSED.closed_loop.warm_up
    assert adapt(OPEN, seconds=2).open_loop.seconds == 2
    assert adapt(CLOSED) == CLOSED


def test_runs_do_not_belong_to_an_open_loop():
    with pytest.raises(UsageError, match=r"--runs belongs to a plan with \[closed_loop\] or \[memory\]; this one has \[open_loop\]"):
        adapt(OPEN, runs=5)


def test_options_out_of_range_are_refused():
    with pytest.raises(DocumentError, match="options given: Expected `float` > 0"):
        adapt(CLOSED, fps=0)


def test_a_plan_survives_json():
    assert msgspec.json.decode(msgspec.json.encode(CLOSED), type=Plan) == CLOSED
