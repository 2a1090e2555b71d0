"""Many files over a cluster: planned by URL, whole, once, also when a worker dies; what is done is not done again."""

import dataclasses
import json
import os
import signal

import enhance_models as models
import fsspec
import numpy as np
import psutil
import pytest

pytest.importorskip("distributed", reason="needs the extra 'cluster'")

from redmobile.data.frames import Image, read_image, write_image
from redmobile.enhance.batch import Settings, enhance_all
from redmobile.enhance.control import Control
from redmobile.enhance.jobs import plan_jobs
from redmobile.enhance.spread import MANIFEST, _key, _Manifest, _sweep, enhance_one, enhance_spread, open_client, plan_work, read_network
from redmobile.errors import DeviceError, InputError, UsageError


@pytest.fixture
def network(tmp_path):
    return read_network(str(models.gain_file(tmp_path / "gain.onnx")), None, 1)


def _photos(folder, count):
    for index in range(count):
        write_image(folder / f"{index // 50}" / f"{index:03}.png", Image(models.photo_like(48, 64, index)))


@pytest.fixture
def memory():
    fs = fsspec.filesystem("memory")
    fs.store.clear()
    yield fs
    fs.store.clear()


def test_folders_keep_their_places_and_other_files_are_left(tmp_path):
    _photos(tmp_path / "in", 2)
    (tmp_path / "in" / "notes.txt").write_text("no picture")
    (tmp_path / "in" / ".hidden.png").write_bytes(b"")
    works = plan_work([str(tmp_path / "in")], str(tmp_path / "out"))
    assert [(work.source, work.final) for work in works] == [
        (str(tmp_path / "in" / "0" / name), str(tmp_path / "out" / "0" / name)) for name in ("000.png", "001.png")
    ]


def test_urls_of_any_filesystem_are_read_and_written_whole(memory, network, tmp_path):
    write_image(tmp_path / "a.png", Image(models.photo_like(50, 70)))
    memory.pipe("/photos/deep/a.png", (tmp_path / "a.png").read_bytes())
    (work,) = plan_work(["memory://photos"], "memory://bright")
    assert (work.source, work.final) == ("memory:///photos/deep/a.png", "memory:///bright/deep/a.png")
    done = enhance_one(work, (network, Settings()))
    assert done.error is None
    (tmp_path / "b.png").write_bytes(memory.cat("/bright/deep/a.png"))
    expected = np.clip(models.photo_like(50, 70) * 2.0, 0, 255)
    assert np.abs(read_image(tmp_path / "b.png").frame - expected).max() <= 0.5
    assert memory.find("/bright") == ["/bright/deep/a.png"]


def test_a_broken_picture_is_named_by_its_url(memory, network):
    memory.pipe("/photos/bad.png", b"no picture")
    (work,) = plan_work(["memory://photos"], "memory://bright")
    done = enhance_one(work, (network, Settings()))
    assert isinstance(done.error, InputError)
    assert "memory:///photos/bad.png" in str(done.error)
    assert not memory.find("/bright")


def test_what_cannot_be_planned_is_told(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        plan_work([str(tmp_path / "absent.png")], str(tmp_path / "out"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="holds no pictures"):
        plan_work([str(tmp_path / "empty")], str(tmp_path / "out"))
    with pytest.raises(UsageError, match="fsspec does not know"):
        plan_work(["nonsense://x"], str(tmp_path / "out"))
    _photos(tmp_path / "in", 1)
    with pytest.raises(UsageError, match="one of the inputs"):
        plan_work([str(tmp_path / "in")], str(tmp_path / "in"))
    with pytest.raises(UsageError, match="torch does not go with"):
        read_network("red_mobile", "torch", None)


@pytest.mark.parametrize("address", ["local:0", "local:x", "local:"])
def test_an_address_that_makes_no_sense_is_refused(address):
    with pytest.raises(UsageError, match="local:N"), open_client(address):
        pass


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch):
    monkeypatch.setattr("redmobile.enhance.spread._CONNECT_SECONDS", 1)
    with pytest.raises(DeviceError, match=r"tcp://127.0.0.1:9: no Dask scheduler answers"), open_client("tcp://127.0.0.1:9"):
        pass


def test_the_manifest_holds_what_was_made_of_the_same_source_with_the_same_network_and_settings(tmp_path, network):
    _photos(tmp_path / "in", 1)
    out = str(tmp_path / "out")
    (work,) = plan_work([str(tmp_path / "in")], out)
    settings = Settings()
    outcomes = []
    done = enhance_one(work, (network, settings))
    _Manifest(out).add(work, _key(work, network, settings), done)
    assert enhance_spread([work], out, network, settings, "local:x", outcomes.append)[0].skipped, "no cluster is opened for nothing"
    other = dataclasses.replace(network, data=models.gain_file(tmp_path / "other.onnx", 3.0).read_bytes())
    half = Settings(control=Control(0.5))
    changed = dataclasses.replace(work, stamp="newer")
    held = _Manifest(out)
    assert held.holds(work, _key(work, network, settings))
    assert not held.holds(work, _key(work, other, settings))
    assert not held.holds(work, _key(work, network, half))
    assert not held.holds(work, _key(changed, network, settings))


def test_what_killed_workers_left_half_written_is_swept_away_and_nothing_else(memory, tmp_path):
    _photos(tmp_path / "in", 2)
    local, remote = plan_work([str(tmp_path / "in")], str(tmp_path / "out")), plan_work([str(tmp_path / "in")], "memory://bright")
    left = [".000.gdlb_nju.partial.png", ".other.gdlb_nju.partial.png", "000.png", "000.partial.png"]
    (tmp_path / "out" / "0").mkdir(parents=True)
    for name in left:
        (tmp_path / "out" / "0" / name).write_bytes(b"half")
        memory.pipe(f"/bright/0/{name}", b"half")
    _sweep([*local, *remote])
    assert sorted(path.name for path in (tmp_path / "out" / "0").iterdir()) == sorted(left[1:])
    assert sorted(memory.ls("/bright/0", detail=False)) == sorted(f"/bright/0/{name}" for name in left[1:])


def _words(process):
    """Its command line; nothing if it has ended meanwhile."""
    try:
        return process.cmdline()
    except psutil.Error:
        return []


@pytest.mark.slow
def test_a_killed_worker_loses_no_file_and_doubles_none_and_a_second_run_does_what_is_left(network, tmp_path):
    _photos(tmp_path / "in", 200)
    out = tmp_path / "out"
    works = plan_work([str(tmp_path / "in")], str(out))
    assert len(works) == 200
    told, killed = [], []

    def kill_one_half_way(outcome):
        told.append(outcome.source)
        if len(told) == 60:
            workers = [child for child in psutil.Process().children(recursive=True) if "spawn_main" in " ".join(_words(child))]
            os.kill(workers[0].pid, signal.SIGKILL)
            killed.append(workers[0].pid)

    outcomes = enhance_spread(works, str(out), network, Settings(), "local:2", kill_one_half_way)
    assert killed
    assert sorted(told) == sorted(work.source for work in works)
    assert all(outcome.error is None and not outcome.skipped for outcome in outcomes)

    alone = tmp_path / "alone"
    assert all(outcome.error is None for outcome in enhance_all(plan_jobs([tmp_path / "in"], alone).jobs, models.load(tmp_path / "gain.onnx")))
    made = sorted(path.relative_to(out) for path in out.rglob("*.png"))
    assert made == sorted(path.relative_to(alone) for path in alone.rglob("*.png"))
    assert not [path for path in out.rglob("*") if "partial" in path.name]
    for name in made:
        assert (out / name).read_bytes() == (alone / name).read_bytes(), name

    lines = (out / MANIFEST).read_text().splitlines()
    assert len(lines) == len({json.loads(line)["result"] for line in lines}) == 200
    (out / made[3]).unlink()  # lost: it is made again
    (out / MANIFEST).write_text("\n".join([*lines[:-1], lines[-1][:40]]))  # the run was cut off while it wrote the last line
    again = enhance_spread(works, str(out), network, Settings(), "local:1", lambda _: None)
    assert sum(not outcome.skipped for outcome in again) == 2
