"""JPEG: blocks and lost colour detail. y = decode(encode(x, quality)), with the 4:2:0 chroma that cameras write (ITU-T T.81)."""

from __future__ import annotations

from typing import Annotated, Any

import cv2
import msgspec
import numpy as np
from numpy.typing import NDArray

from redmobile.data.degradation import DEGRADATIONS, Degradation, Unit, as_dtype_of, as_unit

_Quality = Annotated[float, msgspec.Meta(ge=1, le=100)]

_AS_CODES = np.zeros(0, np.uint8)


@DEGRADATIONS.register("jpeg")
class Jpeg(Degradation):
    """quality: 1 … 100 on libjpeg's scale. Floats are rounded to 8 bits on the way, as every JPEG does."""

    quality: tuple[_Quality, _Quality] = (10.0, 60.0)

    def damage(self, picture: NDArray[Any], rng: np.random.Generator) -> Unit:
        """A version with compression artefacts."""
        codes = as_dtype_of(_AS_CODES, as_unit(picture))
        _, coded = cv2.imencode(".jpg", codes[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, round(rng.uniform(*self.quality))])
        decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
        return as_unit(decoded[..., ::-1])
