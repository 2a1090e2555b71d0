"""Which file becomes which; inputs are never overwritten."""

from pathlib import Path

import pytest

from redmobile.enhance.jobs import plan_jobs
from redmobile.errors import UsageError


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in (
        "a.jpg",
        "b.PNG",
        "clip.webm",
        "notes.txt",
        "in/x.png",
        "in/deep/y.webp",
        "in/.hidden/z.png",
        "in/.w.png",
        "other/in/x.png",
        "empty/readme.txt",
    ):
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_bytes(b"x")
    return tmp_path


def pairs(inputs, out):
    plan = plan_jobs([Path(name) for name in inputs], Path(out))
    return {str(job.source): str(job.final) for job in plan.jobs}, [str(error) for _, error in plan.missing]


@pytest.mark.usefixtures("here")
def test_one_file():
    assert pairs(["a.jpg"], "b.jpg") == ({"a.jpg": "b.jpg"}, [])
    assert pairs(["a.jpg"], "b.png")[0] == {"a.jpg": "b.png"}
    assert pairs(["a.jpg"], "folder")[0] == {"a.jpg": "folder/a.jpg"}
    assert pairs(["a.jpg"], "in")[0] == {"a.jpg": "in/a.jpg"}
    assert pairs(["clip.webm"], "out.mp4")[0] == {"clip.webm": "out.mp4"}
    assert pairs(["clip.webm"], "folder")[0] == {"clip.webm": "folder/clip.mkv"}
    with pytest.raises(UsageError, match="is a video"):
        pairs(["clip.webm"], "out.png")
    with pytest.raises(UsageError, match="is a picture"):
        pairs(["a.jpg"], "out.mp4")


@pytest.mark.usefixtures("here")
def test_several_and_folders():
    assert pairs(["a.jpg", "b.PNG"], "out")[0] == {"a.jpg": "out/a.jpg", "b.PNG": "out/b.PNG"}
    assert pairs(["in"], "out")[0] == {"in/deep/y.webp": "out/deep/y.webp", "in/x.png": "out/x.png"}
    assert pairs(["a.jpg", "in"], "out")[0]["in/x.png"] == "out/x.png"
    finals = [str(job.final) for job in plan_jobs([Path("in/deep"), Path("other")], Path("out")).jobs]
    assert finals == ["out/deep/y.webp", "out/other/in/x.png"]
    for inputs in (["a.jpg", "b.PNG"], ["in"]):
        with pytest.raises(UsageError, match="give a folder"):
            pairs(inputs, "out.png")


@pytest.mark.usefixtures("here")
def test_what_is_missing_is_named_and_the_rest_is_planned():
    jobs, missing = pairs(["none.jpg", "a.jpg", "notes.txt", "empty"], "out")
    assert jobs == {"a.jpg": "out/a.jpg"}
    assert [text.split(":")[0] for text in missing] == ["none.jpg", "notes.txt", "empty"]
    assert "holds no pictures" in missing[2]


@pytest.mark.usefixtures("here")
def test_inputs_are_never_overwritten():
    for inputs, out in ((["a.jpg"], "a.jpg"), (["a.jpg"], "./in/../a.jpg"), (["a.jpg"], "."), (["in"], "in"), (["a.jpg", "b.PNG"], ".")):
        with pytest.raises(UsageError, match="one of the inputs"):
            pairs(inputs, out)
    Path("link.jpg").symlink_to("a.jpg")
    with pytest.raises(UsageError, match="one of the inputs"):
        pairs(["a.jpg"], "link.jpg")


@pytest.mark.usefixtures("here")
def test_two_results_of_one_name():
    with pytest.raises(UsageError, match="both be written"):
        pairs(["in/x.png", "other/in/x.png"], "out")
    with pytest.raises(UsageError, match="both be written"):
        pairs(["in", "other/in"], "out")


@pytest.mark.usefixtures("here")
def test_results_below_the_input_folder_are_no_inputs():
    Path("in/done").mkdir()
    Path("in/done/x.png").write_bytes(b"x")
    assert pairs(["in"], "in/done")[0] == {"in/deep/y.webp": "in/done/deep/y.webp", "in/x.png": "in/done/x.png"}
