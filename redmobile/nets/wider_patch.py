"""The same network for frames twice as large: its body sees the mean of every 2×2 pixels, gain and residual reach every single one.

A 1×1 convolution on patches of 8×8 pixels, each weight a quarter of the one for the 2×2 mean it belongs to, is the stem's convolution on the
means; the tail's, each column of a patch there twice and each row used twice, hand every pixel what was found for its mean. So no layer is
added, the body costs what it cost, and a frame whose 2×2 blocks are of one colour comes out exactly as its small version does, enlarged.
What is finer than the mean is multiplied by the gain and kept: detail, and noise too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from torch import Tensor

from redmobile.errors import UsageError
from redmobile.nets.blocks.row_planes import PATCH
from redmobile.nets.model_document import ModelDocument, RedMobileDocument

FACTOR = 2
_COLOURS = 3
_STEM = "stem.mix.convolution.weight"
_COLUMNS = re.compile(r"tail\.(gain|residual\.\d+)\.convolution\.(weight|bias)")


def wider_document(document: ModelDocument, name: str) -> RedMobileDocument:
    """`document` with patches of 8×8 pixels; `name` names it in the UsageError for what is no RED-mobile with patches of 4×4."""
    if not isinstance(document, RedMobileDocument) or document.layers.patch != PATCH:
        raise UsageError(f"{name}: only a RED-mobile with patches of {PATCH}×{PATCH} pixels can be made to work at half the size.")
    layers = msgspec.structs.replace(document.layers, patch=PATCH * FACTOR)
    return msgspec.structs.replace(document, layers=layers)


def wider_state(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The tensors for the network of `wider_document`, of all or some of those for patches of 4×4; grids of activations among them."""
    return {key: _stem(tensor) if key == _STEM else _columns(tensor) if _COLUMNS.fullmatch(key) else tensor for key, tensor in state.items()}


def _stem(weight: Tensor) -> Tensor:
    """(O, row · column · colour, 1, 1): each weight shared out over the pixels of a mean."""
    patch = weight.reshape(weight.shape[0], PATCH, PATCH, _COLOURS)
    spread = patch.repeat_interleave(FACTOR, 1).repeat_interleave(FACTOR, 2) / FACTOR**2
    return spread.reshape(weight.shape[0], -1, 1, 1)


def _columns(tensor: Tensor) -> Tensor:
    """(column · colour, …): each column as often as a mean has."""
    return tensor.reshape(PATCH, _COLOURS, *tensor.shape[1:]).repeat_interleave(FACTOR, 0).flatten(0, 1)
