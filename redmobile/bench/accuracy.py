"""How far enhanced pictures are from those of the network that a file was made of."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from redmobile.bench.job import PictureAccuracy
from redmobile.core.metrics import max_code_difference, psnr, ssim
from redmobile.data.frames import list_images, read_image
from redmobile.enhance.image_model import ImageModel
from redmobile.runtimes.base import Runtime


def compare_pictures(
    reference: Runtime, found: Runtime, pictures: Path, on_progress: Callable[[int, int], None] | None = None
) -> list[PictureAccuracy]:
    """How each picture in the folder (or the one picture) `pictures` comes out, enhanced by both as `redmobile enhance` does it.

    Raises InputError, UnsupportedModelError.
    """
    models = ImageModel(reference), ImageModel(found)
    files = list_images(pictures)
    made = []
    for done, file in enumerate(files):
        if on_progress:
            on_progress(done, len(files))
        frame = read_image(file).frame
        expected, given = (model.enhance(frame) for model in models)
        decibels = psnr(expected, given)
        made.append(
            PictureAccuracy(
                picture=file.name,
                psnr_db=decibels if math.isfinite(decibels) else None,
                ssim=ssim(expected, given),
                largest_codes=round(max_code_difference(expected, given)),
            )
        )
    return made
