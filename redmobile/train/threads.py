"""How many processor cores a step may use."""

from __future__ import annotations

import torch


def use_threads(count: int) -> None:
    """Let PyTorch use `count` CPU threads from now on, in this process."""
    torch.set_num_threads(count)
