"""Clamp before a view instead of behind it."""

from __future__ import annotations

from redmobile.graph.tflite_model import Operator, Tensor, TfliteModel

_CLAMPS = frozenset({"RELU", "RELU6", "RELU_0_TO_1", "RELU_N1_TO_1"})


def put_activation_before_view(model: TfliteModel) -> None:
    """A clamp that alone reads the view of an operator's output changes places with it, if that operator can take it in.

        before   x ─ CONV_2D ─ c ─ RESHAPE ─ v ─ RELU ─ y
        after    x ─ CONV_2D ─ c ─ RELU ─ c' ─ RESHAPE ─ y

    Signals, which are images of height 1 for their convolutions and have no height elsewhere, come like this.
    """
    producers = model.producers()
    for index, operator in enumerate(model.operators):
        view = producers.get(id(operator.inputs[0])) if operator.kind in _CLAMPS else None
        if view is None or view.kind != "RESHAPE" or model.only_consumer(view.outputs[0]) is not operator:
            continue
        source, shape = view.inputs
        assert source is not None  # noqa: S101  a RESHAPE has data
        if not _can_clamp(producers.get(id(source))) or model.only_consumer(source) is not view:
            continue
        (result,) = operator.outputs
        clamped = Tensor(f"{source.name}/clamped", source.shape, source.dtype)
        # The clamp takes the place of the RESHAPE, whose new one stands where the clamp stood.
        place = next(position for position, other in enumerate(model.operators) if other is view)
        model.operators[place] = Operator(operator.kind, [source], [clamped], dict(operator.options))
        model.operators[index] = Operator("RESHAPE", [clamped, shape], [result], dict(view.options))
        producers |= {id(clamped): model.operators[place], id(result): model.operators[index]}


def _can_clamp(operator: Operator | None) -> bool:
    return operator is not None and operator.options.get("fused_activation_function") == "NONE"
