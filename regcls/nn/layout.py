"""Parameter layout, block sizes and visiting order of an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from regcls.nn.spec import Network, Training


SLOW_CLASSES = 16  # up to here the classes are rows of the same product as the value
BLOCK_BYTES = 1 << 21  # a block of logits: smaller ones cost calls, larger ones the cache


def epoch_order(seed: int, epoch: int, samples: int) -> torch.Tensor:
    """The order (samples,) in which a replica of this seed visits its samples in this epoch."""
    return torch.randperm(samples, generator=generator(seed, 2 * epoch + 2))


def generator(seed: int, stream: int) -> torch.Generator:
    words = np.random.SeedSequence([int(seed), stream]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


class Layout:
    """Where each layer's ``(out, in + 1)`` block, bias last, lies in a replica's parameters."""

    def __init__(self, network: Network):
        self.inputs = (1, *network.hidden)
        self.shapes = [(o, i + 1) for i, o in zip(self.inputs, network.hidden, strict=False)]
        # The value head and the class head lie together: one product can serve both.
        self.shapes.append((1 + network.classes, network.hidden[-1] + 1))
        ends = np.cumsum([o * i for o, i in self.shapes]).tolist()
        self.slices = list(zip([0, *ends[:-1]], ends, strict=True))
        self.size = ends[-1]

    def views(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """The blocks of ``flat`` (R, size), each (R, out, in + 1)."""
        return [
            flat[:, a:b].view(len(flat), *shape)
            for (a, b), shape in zip(self.slices, self.shapes, strict=True)
        ]


def block_rows(network: Network, training: Training, replicas: int) -> int:
    """Replicas whose class logits are processed together."""
    size = getattr(torch, training.dtype).itemsize * training.batch * network.classes
    if torch.device(training.device).type != "cpu":
        return replicas
    return max(1, min(replicas, BLOCK_BYTES // size))
