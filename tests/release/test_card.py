"""The figures of a card: what stands in figures.json, between two lines, and nothing else of the card changes."""

import pytest

from redmobile.errors import DocumentError, InputError
from redmobile.release.card import BEGIN, END, figures, update_card
from redmobile.release.costs import Cost
from redmobile.release.document import FORMAT, Release, ReleasedFile, load_release, write_release

FILE = ReleasedFile(
    file="m_int8.tflite",
    sha256="abcdef0123456789",
    bytes=138160,
    frame=(1080, 1920),
    graph=(1088, 1920),
    body=1,
    macs=1_090_000_000,
    partitions=1,
    islands=0,
    operators={"CONV_2D": 25},
)
ROW = {
    "condition": "pairs",
    "subject": "int8",
    "images": 39,
    "before": {"psnr": 7.0, "psnr_matched": 15.0, "ssim": 0.2},
    "after": {"psnr": 21.434, "psnr_matched": 24.0, "ssim": 0.7716},
    "gain_db": 14.434,
    "pooled_db": 20.5,
}
POINT = {
    "snr_db": 5.0,
    "measured_snr_db": 5.2,
    "before": {"psnr": 10.0, "psnr_matched": 12.0, "ssim": 0.1},
    "after": {"int8": {"psnr": 15.5, "psnr_matched": 17.0, "ssim": 0.3}},
}
EVALUATION = {"source": "pairs lol (500-549), seed 0", "figures": [ROW], "noise": [POINT], "banding": [], "flicker": []}
COST = Cost(target="ethos-u65-512", measures="frames a second, estimated by Vela", value=30.4, ratio=1.0)
RELEASE = Release(
    format=FORMAT,
    files=(FILE,),
    closeness=("42.38 dB over 39 pictures",),
    evaluations={"pairs": EVALUATION},
    costs={FILE.file: (COST,)},
    compared_with=FILE.file,
)


def test_every_figure_is_written_as_it_was_measured():
    text = figures(RELEASE)
    assert "| m_int8.tflite | 1088×1920 | 138,160 | 1.09 | abcdef012345 | 30.4 (× 1.00) |" in text
    assert "| pairs | int8 | 39 | 7.00 | 21.43 | 14.43 | 20.50 | 24.00 | 0.772 |" in text
    assert "INT8 against float: 42.38 dB over 39 pictures." in text
    assert "| 5 | 5.2 | 10.00 | 15.50 | 5.50 | 17.00 |" in text


def test_infinite_decibels_and_none_can_be_read_back(tmp_path):
    best = {**ROW, "after": {**ROW["after"], "psnr": float("inf")}, "gain_db": float("nan")}
    release = Release(format=FORMAT, files=(FILE,), evaluations={"calm": {**EVALUATION, "figures": [best]}})
    write_release(tmp_path, release)
    read = load_release(tmp_path)
    assert read.files == release.files
    assert figures(read) == figures(release)
    assert "| inf | – |" in figures(read)


def test_only_the_marked_place_of_a_card_is_written(tmp_path):
    card = tmp_path / "card.md"
    update_card(tmp_path, RELEASE)
    assert not card.exists()
    card.write_text("# A card\n")
    update_card(tmp_path, RELEASE)
    assert card.read_text() == "# A card\n"
    card.write_text(f"before\n{BEGIN}\nold\n{END}\nbehind\n")
    update_card(tmp_path, RELEASE)
    update_card(tmp_path, RELEASE)
    assert card.read_text() == f"before\n{BEGIN}\n{figures(RELEASE)}\n{END}\nbehind\n"
    card.write_text(f"before\n{BEGIN}\nold\n")
    with pytest.raises(DocumentError, match=r"card\.md: '<!-- end of figures -->' was expected"):
        update_card(tmp_path, RELEASE)


def test_no_figures_are_no_release_and_broken_ones_an_error(tmp_path):
    assert load_release(tmp_path) is None
    (tmp_path / "figures.json").write_text('{"format": "redmobile.release/1", "files": [], "speed": 3}')
    with pytest.raises(DocumentError, match="unknown field `speed`"):
        load_release(tmp_path)
    (tmp_path / "figures.json").write_text("{")
    with pytest.raises((DocumentError, InputError), match=r"figures\.json: is not valid JSON"):
        load_release(tmp_path)
