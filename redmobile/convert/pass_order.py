"""Which rewrites run, in which order, and why there."""

from __future__ import annotations

from redmobile.convert.passes.absorb_qdq import absorb_qdq
from redmobile.convert.passes.activation_before_view import put_activation_before_view
from redmobile.convert.passes.bypass_concatenation import bypass_concatenation
from redmobile.convert.passes.chain_resizes import chain_resizes
from redmobile.convert.passes.channel_order import reorder_channels
from redmobile.convert.passes.clamp_for_float import clamp_for_float
from redmobile.convert.passes.compute_in_rows import compute_in_rows
from redmobile.convert.passes.flatten_channels_last import flatten_channels_last
from redmobile.convert.passes.fold_batch_normalization import fold_batch_normalization
from redmobile.convert.passes.fold_normalization import fold_normalization
from redmobile.convert.passes.fold_pad import fold_pad
from redmobile.convert.passes.fuse_activation import fuse_activation
from redmobile.convert.passes.fuse_bias import fuse_bias
from redmobile.convert.passes.group_normalization import recognise_group_normalization
from redmobile.convert.passes.merge_reshapes import merge_reshapes
from redmobile.convert.passes.nest_concatenations import nest_concatenations
from redmobile.convert.passes.pixel_shuffle import recognise_pixel_shuffle
from redmobile.convert.passes.pool_in_stages import pool_in_stages
from redmobile.convert.passes.remove_dead_operators import remove_dead_operators
from redmobile.convert.passes.single_precision import compute_in_single_precision
from redmobile.convert.passes.split_convolution import split_convolution
from redmobile.convert.passes.stride_by_two import stride_by_two
from redmobile.convert.passes.stride_over_rows import stride_over_rows
from redmobile.convert.passes.written_out_activation import recognise_activation

ON_ONNX = (
    absorb_qdq,  # first: no other rewrite looks through pairs of QuantizeLinear and DequantizeLinear
    compute_in_single_precision,  # then: the others compute new constants of the old ones
    recognise_activation,  # early: one node that commutes with permutations instead of many that do not
    recognise_pixel_shuffle,  # early: what it recognises, the others need not look through
    recognise_group_normalization,  # on its own
    fold_batch_normalization,  # before reorder_channels, so that the weights to permute are final and a convolution is what it meets
    reorder_channels,  # after recognise_pixel_shuffle, which makes most of the CRD nodes
    fold_pad,  # on its own: any time before lowering, where pads become SAME, VALID or a PAD
    fold_normalization,  # after fold_pad, which makes convolutions of what stands behind it, and reorder_channels, which settles their order
    flatten_channels_last,  # on its own
)
"""Rewrites of the ONNX graph, before lowering: whatever is easier to say in ONNX's terms."""

ON_TFLITE = (
    bypass_concatenation,  # first: lowering joins row planes for whoever wants them joined; those who cut take them as they are
    put_activation_before_view,  # before merge_reshapes: views that an activation kept apart meet
    merge_reshapes,  # behind bypass_concatenation, which may let one view meet another
    fuse_bias,  # before fuse_activation, which finds the activation behind what was added
    fuse_activation,  # before split_convolution: a convolution with its activation can be split, with an operator in between not
    split_convolution,  # after fuse_activation
    remove_dead_operators,  # last: it sweeps up what the others left without readers
)
"""Rewrites of the TFLite graph, after lowering."""

FOR_TARGET = (
    stride_over_rows,  # first: it looks for row planes as lowering joins them
    pool_in_stages,  # on its own
    chain_resizes,  # on its own
    compute_in_rows,  # it needs the row planes as the rewrites before have left them
    nest_concatenations,  # last: those before look for concatenations of all rows
)
"""Rewrites of the TFLite graph that the recipe's LoweringChoices ask for, behind ON_TFLITE; each explains what it did."""

ON_FLOAT = (
    clamp_for_float,  # only where nothing is quantized: the quantizer lets RELU_0_TO_1 vanish instead
    fuse_activation,  # the RELU that clamp_for_float leaves
)
"""Rewrites of a model that stays float."""

AT_THE_END = (
    stride_by_two,  # behind quantization: its extra convolutions move codes exactly, which no range or bias must come between
)
"""Rewrites of the TFLite graph, float or quantized, that the recipe's LoweringChoices ask for."""
