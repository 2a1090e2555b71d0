"""model.toml: a network as data."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from redmobile.core.documents import Document, from_dict, read_toml
from redmobile.errors import DocumentError, UsageError
from redmobile.shelf import find

Task = Literal["lowlight", "deblur", "upscale", "restore", "medical"]
Activation = Literal["relu6", "relu", "hard_swish"]
Attention = Literal["dual", "channel", "spatial", "none"]


class Input(Document):
    """The image the exported graph takes: (1, 3, height, width), RGB, values in `range`."""

    height: int
    width: int
    range: tuple[float, float] = (0.0, 1.0)


class InvertedResidualRow(Document):
    """One row of the encoder: kernel k×k, `expand` channels inside, `out` channels after, stride 1 or 2."""

    kernel: Literal[3, 5, 7]
    expand: int
    out: int
    squeeze_excite: bool = False
    stride: Literal[1, 2] = 1
    activation: Activation | None = None
    """None: that of the network."""


class Context(Document):
    """Pyramid pooling below the encoder: `levels` further halvings, and the global mean, each through `width` channels. 0 levels: none of it."""

    levels: int = 2
    width: int = 64


class Tail(Document):
    """gain: out = x · gain + residual, the gain one value a column of a patch and colour; otherwise out = x + residual."""

    gain: bool = True


class Layers(Document):
    """The [layers] table of RED-mobile, the student. patch: the finest scale is 1/patch of the picture (8: see nets/wider_patch.py)."""

    encoder: tuple[InvertedResidualRow, ...]
    stem: Literal["space_to_depth", "patch_conv"] = "space_to_depth"
    stem_width: int = 32
    patch: Literal[4, 8] = 4
    activation: Activation = "relu6"
    context: Context = Context()
    attention: Attention = "dual"
    tail: Tail = Tail()


class RedLayers(Document):
    """The [layers] table of RED, the teacher.

    widths: channels of the encoder's scales, each half as large as the one before; blocks: residual blocks at each, on the way down and up again;
    patch: the finest scale is 1/patch of the picture. Width of the context: that of its own convolutions.
    """

    widths: tuple[int, ...] = (64, 128, 256)
    blocks: int = 2
    patch: Literal[1, 2, 4] = 2
    activation: Activation = "relu"
    context: Context = Context(levels=2, width=128)
    tail: Tail = Tail()


class DetailLayers(Document):
    """The [layers] table of RED-detail: `depth` 3×3 convolutions of `width` channels at 1/patch of the picture, between stem and tail."""

    width: int = 8
    depth: int = 2
    patch: Literal[2, 4] = 2
    stem_kernel: Literal[1, 3, 5] = 3
    tail_kernel: Literal[1, 3] = 1


class OtherFrame(Document):
    """A frame that `redmobile release` makes a file for. size: (height, width); body: 2: it works at half the size (nets/wider_patch.py)."""

    size: tuple[int, int]
    body: Literal[1, 2] = 1


class ModelDocument(Document):
    """What every model.toml holds. says: one sentence for lists; network: which class reads [layers]; version: of the weights.

    tasks: what the weights were trained for; `redmobile enhance --task` asks. frames: others than that of [input] that
    files are released for.
    """

    says: str
    network: str
    version: str
    input: Input
    tasks: tuple[Task, ...] = ("lowlight",)
    frames: tuple[OtherFrame, ...] = ()

    @property
    def size_multiple(self) -> int:
        """Height and width of an image must be a multiple of this."""
        raise TypeError(f"{type(self).__name__} does not say its size_multiple")

    def checked_size(self, size: tuple[int, int] | None) -> tuple[int, int]:
        """`size` (height, width), by default the document's own. Raises UsageError unless both are multiples of `size_multiple`."""
        height, width = size or (self.input.height, self.input.width)
        multiple = self.size_multiple
        if height <= 0 or width <= 0 or height % multiple or width % multiple:
            raise UsageError(f"A picture of {height}×{width} does not fit: height and width must be positive multiples of {multiple}.")
        return height, width


class RedMobileDocument(ModelDocument, kw_only=True):
    """A RED-mobile."""

    network: Literal["red_mobile"]
    layers: Layers

    @property
    def size_multiple(self) -> int:
        """The patch, times each halving."""
        halvings = sum(row.stride - 1 for row in self.layers.encoder) + self.layers.context.levels
        return self.layers.patch << halvings


class RedDocument(ModelDocument, kw_only=True):
    """A RED."""

    network: Literal["red"]
    layers: RedLayers = RedLayers()

    @property
    def size_multiple(self) -> int:
        """The patch, times each halving of encoder and context."""
        return self.layers.patch << (len(self.layers.widths) - 1 + self.layers.context.levels)


class RedDetailDocument(ModelDocument, kw_only=True):
    """A RED-detail."""

    network: Literal["red_detail"]
    layers: DetailLayers = DetailLayers()

    @property
    def size_multiple(self) -> int:
        """The patch."""
        return self.layers.patch


_KINDS: dict[str, type[ModelDocument]] = {"red_mobile": RedMobileDocument, "red": RedDocument, "red_detail": RedDetailDocument}


def load_model_document(name: str) -> tuple[Path, ModelDocument]:
    """Folder and document of the model called `name` on the shelf, or of the folder or model.toml at the path `name`.

    Raises InputError (no such model) or DocumentError (unfit).
    """
    file = model_file(name)
    return file.parent, model_document(read_toml(file), str(file))


def model_file(name: str) -> Path:
    """The model.toml of the model called `name` on the shelf, or at the path `name` (a folder, or the file). Raises InputError."""
    path = find("models", name)
    return path / "model.toml" if path.is_dir() else path


def model_document(values: dict[str, Any], name: str) -> ModelDocument:
    """The document that a model.toml's `values` make; `name` names them in the DocumentError."""
    kind = _KINDS.get(str(values.get("network")))
    if kind is None:
        raise DocumentError(f"{name}: network must be one of {', '.join(_KINDS)}; found {values.get('network')!r}.")
    document = from_dict(values, kind, name)
    try:
        document.checked_size(None)
    except UsageError as error:
        raise DocumentError(f"{name}: {error}") from error
    return document
