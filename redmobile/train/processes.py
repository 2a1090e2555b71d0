"""The processes that train one network together: this one alone, or those that torchrun started. Hugging Face accelerate does the work.

A batch is split evenly; the gradient is the mean over the processes, so that two with 8 samples each take the step that one with 16 takes.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn

from redmobile.errors import MissingExtraError, UsageError
from redmobile.nets.checkpoint import Network


class Processes:
    """device: of this process, a GPU where there is one, on which networks run in bfloat16 where float32 is not needed (autocast).

    rank: 0 … count − 1; the first one writes files and speaks. Raises MissingExtraError.
    """

    def __init__(self) -> None:
        try:
            from accelerate import Accelerator, DistributedDataParallelKwargs
        except ModuleNotFoundError as error:
            raise MissingExtraError("accelerate", "torch", "redmobile train") from error
        gpu = torch.cuda.is_available()
        # Parts of a network rest in some phases; without this, processes would wait for their gradients.
        resting = DistributedDataParallelKwargs(find_unused_parameters=True)
        self._accelerator = Accelerator(cpu=not gpu, mixed_precision="bf16" if gpu else "no", kwargs_handlers=[resting])
        self.device: torch.device = self._accelerator.device
        self.rank: int = self._accelerator.process_index
        self.count: int = self._accelerator.num_processes

    @property
    def is_first(self) -> bool:
        """Whether this process writes and speaks."""
        return self.rank == 0

    def share(self, batch: int) -> range:
        """The samples of a batch that are this process's. Raises UsageError if they cannot be split evenly."""
        if batch % self.count:
            raise UsageError(f"A batch of {batch} cannot be split evenly over {self.count} processes; choose another --batch or number of processes.")
        size = batch // self.count
        return range(self.rank * size, (self.rank + 1) * size)

    def runner(self, network: Network) -> Callable[[Tensor], Tensor]:
        """`network.unclipped`, whose gradients are shared among the processes."""
        shared: Callable[[Tensor], Tensor] = self._accelerator.prepare_model(_Unclipped(network))
        return shared

    def backward(self, loss: Tensor) -> None:
        """Gradients of the mean of all processes' losses."""
        self._accelerator.backward(loss)

    def mean(self, value: Tensor) -> float:
        """The mean of a scalar over the processes."""
        shared: Tensor = self._accelerator.reduce(value.detach().clone(), reduction="mean")
        return float(shared)

    def wait(self) -> None:
        """Until all processes are here."""
        self._accelerator.wait_for_everyone()

    def end(self) -> None:
        """Part from the others."""
        if self.count > 1:
            self._accelerator.end_training()


class _Unclipped(nn.Module):
    """What is trained is not `forward`, but only calls of a module's forward are seen by those who share gradients."""

    def __init__(self, network: Network) -> None:
        super().__init__()
        self.network = network

    def forward(self, x: Tensor) -> Tensor:
        """`network.unclipped`."""
        return self.network.unclipped(x)
