"""Powers of magnitudes by the operators that XNNPACK and INT8 have, where the exponent allows it; POW is in neither."""

from __future__ import annotations

from redmobile.convert.lowering import Lowering, scalar
from redmobile.graph.tflite_model import Tensor


def power(out: Lowering, tensor: Tensor, exponent: float, name: str) -> Tensor:
    """The power of |x| to `exponent`, a positive number. For roots x must not be negative."""
    if exponent == 1:
        return out.emit("ABS", [tensor], name, tensor.shape)
    if exponent == 2:  # noqa: PLR2004  the square
        return out.emit("MUL", [tensor, tensor], name, tensor.shape, {"fused_activation_function": "NONE"})
    if exponent == 0.5:  # noqa: PLR2004  the root
        return out.emit("SQRT", [tensor], name, tensor.shape)
    base = tensor if exponent < 1 else out.emit("ABS", [tensor], f"{name}/magnitude", tensor.shape)
    return out.emit("POW", [base, scalar(f"{name}/exponent", exponent)], name, tensor.shape)


def inverse_power(out: Lowering, tensor: Tensor, exponent: float, name: str) -> Tensor:
    """The power of x to -`exponent`, for positive x."""
    if exponent not in {0.5, 0.75, 1.0}:
        return out.emit("POW", [tensor, scalar(f"{name}/exponent", -exponent)], name, tensor.shape)
    root = out.emit("RSQRT", [tensor], name if exponent == 0.5 else f"{name}/rsqrt", tensor.shape)  # noqa: PLR2004
    if exponent == 0.5:  # noqa: PLR2004
        return root
    factor = root if exponent == 1 else out.emit("SQRT", [root], f"{name}/fourth_root", tensor.shape)
    return out.emit("MUL", [root, factor], name, tensor.shape, {"fused_activation_function": "NONE"})
