"""Bring an ONNX model into a version of ONNX's operators that we read."""

from __future__ import annotations

import onnx

from redmobile.errors import UnsupportedModelError

OLDEST, NEWEST = 11, 23
"""Opsets that are read as they are."""

ONNX_DOMAINS = ("", "ai.onnx")
"""The names of ONNX's own set of operators."""


def opset_of(model: onnx.ModelProto) -> int | None:
    """The version of ONNX's own operators that the model uses; None if it uses none of them."""
    return next((entry.version for entry in model.opset_import if entry.domain in ONNX_DOMAINS), None)


def with_known_opset(model: onnx.ModelProto, name: str) -> onnx.ModelProto:
    """`model` itself from opset 11 to 23; an older or newer one as the nearest of these, by onnx's own version converter.

    Raises UnsupportedModelError if an operator has no counterpart there.
    """
    opset = opset_of(model)
    if opset is None or OLDEST <= opset <= NEWEST:
        return model
    target = OLDEST if opset < OLDEST else NEWEST
    try:
        converted: onnx.ModelProto = onnx.version_converter.convert_version(model, target)
    except (RuntimeError, ValueError, IndexError, onnx.version_converter.ConvertError, onnx.shape_inference.InferenceError) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UnsupportedModelError(
            f"{name}: has opset {opset}; {OLDEST} to {NEWEST} are read, and converting it to {target} failed ({reason}): "
            f"export it with opset_version={NEWEST if opset > NEWEST else 18}."
        ) from error
    if opset < OLDEST:
        _keep_old_positions(converted)
    if not converted.metadata_props:
        converted.metadata_props.extend(model.metadata_props)
    return converted


def _keep_old_positions(model: onnx.ModelProto) -> None:
    """Write into each Resize where it and Upsample read before opset 11; onnx's converter lets it fall to the new default, half_pixel.

    nearest_mode `simple`, for which ONNX has no name: up along axes that shrink, down along others, as onnxruntime reads opset 10.
    """
    for node in model.graph.node:
        if node.op_type == "Resize":
            node.attribute.append(onnx.helper.make_attribute("coordinate_transformation_mode", "asymmetric"))
            node.attribute.append(onnx.helper.make_attribute("nearest_mode", "simple"))
