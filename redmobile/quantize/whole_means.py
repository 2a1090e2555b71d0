"""Scales of means with which every runtime rounds alike.

TFLite's own int8 kernel of MEAN over height and width takes z_in · s_in / s_out, the input's zero point in steps of the output, as a rounded
integer: a constant error of up to half a code on every mean of every channel, and a gate carries it to the whole picture. XNNPACK takes it
exactly. Where the quotient is an integer, both agree. (Source: MeanImpl in TensorFlow's optimized_ops integer kernels; on RED-mobile the
four demonstration photographs came out 0.9 … 1.3 codes brighter in tflite-runtime, with integers 0.1.)
"""

from __future__ import annotations

import numpy as np

from redmobile.core.quant_math import INTEGER_RANGES, Quantization

MOST_WIDENED = 1.25
"""A scale is not made wider than this for it: beyond, the lost resolution weighs more than half a code elsewhere."""


def whole_scale(mean: Quantization, source: Quantization) -> Quantization:
    """The quantization of a mean over int8 `source`, at most `MOST_WIDENED` wider, that has the source's zero point whole steps from its own.

    It reaches at least as far as `mean`. Where there is none, `mean` itself.
    """
    zero_point, step = int(source.zero_point[0]), float(mean.scale[0])
    offset = abs(zero_point) * float(source.scale[0])
    steps = int(offset / step * (1 + np.finfo(np.float32).eps))
    if steps == 0 or offset / steps > step * MOST_WIDENED:
        return mean
    low, _ = mean.reach("int8")
    code_low, code_high = INTEGER_RANGES["int8"]
    scale = offset / steps
    return Quantization.per_tensor(scale, int(np.clip(np.floor(code_low - low / scale + 0.5), code_low, code_high)))
