"""A sentence becomes controls, or an error that names the word."""

import pytest

from redmobile.enhance.control import Control
from redmobile.enhance.say import understand
from redmobile.errors import UsageError


@pytest.mark.parametrize(
    ("sentence", "task", "control"),
    [
        ("brighten the shadows, leave the sky", "lowlight", Control(protect=("sky",), focus=("shadows",))),
        ("Please brighten the picture a little.", "lowlight", Control(0.5)),
        ("enhance it very strongly but don't touch the faces and the sky", "lowlight", Control(1.5, protect=("faces", "sky"))),
        (
            "light up the dark parts and keep the highlights as they are".replace("they ", ""),
            "lowlight",
            Control(protect=("highlights",), focus=("shadows",)),
        ),
        ("brighten automatically", "auto", Control(auto=True)),
        ("leave the sky", "auto", Control(auto=True, protect=("sky",))),
        ("enlarge the photo", "upscale", Control(enlarge=True)),
        ("repair this photograph fully", "restore", Control(1.0)),
        ("sharpen only the faces a lot", "deblur", Control(1.3, focus=("faces",))),
        ("brighten faces and shadows", "lowlight", Control(focus=("faces", "shadows"))),
    ],
)
def test_what_is_understood(sentence, task, control):
    said = understand(sentence)
    assert said.task == task
    assert said.control == control


@pytest.mark.parametrize(
    ("sentence", "words"),
    [
        ("brighten the cat", "'cat' is not understood; known are brighten"),
        ("make it nice", "'make' is not understood"),
        ("the sky", "asks for nothing; begin with a verb"),
        ("", "asks for nothing"),
        ("leave", "does not say what to leave"),
        ("brighten and sharpen the picture", "asks for lowlight and deblur at once"),
        ("brighten a little, enhance a lot", r"asks for 0.5 and 1.3 at once"),
        ("brighten the sky, leave the sky", "protected and be the subject"),
    ],
)
def test_what_is_not_understood_is_an_error(sentence, words):
    with pytest.raises(UsageError, match=words):
        understand(sentence)


def test_what_was_understood_can_be_read():
    assert str(understand("brighten the shadows a little, leave the sky")) == "task lowlight, strength 0.5, only shadows, not sky"
