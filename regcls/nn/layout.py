"""Parameter layout, block sizes and order of the samples of an ensemble."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from regcls.nn.spec import Network, Training


SLOW_CLASSES = 16  # up to this number, value and logits are computed by one product
BLOCK_BYTES = 1 << 21  # logits per block: smaller blocks cost calls, larger ones miss the cache


def epoch_order(seed: int, epoch: int, samples: int) -> torch.Tensor:
    """Return the order in which a replica visits its samples in an epoch.

    Parameters
    ----------
    seed : int
        Seed of the replica.
    epoch : int
        Epoch, from 0.
    samples : int
        Number of samples N.

    Returns
    -------
    Tensor of shape (N,), int64
        A permutation of the sample indices.
    """
    return torch.randperm(samples, generator=generator(seed, 2 * epoch + 2))


def generator(seed: int, stream: int) -> torch.Generator:
    """Return a random number generator.

    Parameters
    ----------
    seed : int
        Seed of a replica.
    stream : int
        Number of an independent stream of this seed.

    Returns
    -------
    torch.Generator
        A new generator.
    """
    words = np.random.SeedSequence([int(seed), stream]).generate_state(2, np.uint32)
    return torch.Generator().manual_seed(int(words[0]) << 31 ^ int(words[1]))


class Layout:
    """Positions of the layers' blocks in the flat parameter vector of a replica.

    Each block has shape (out, in + 1), with the bias in the last column. The regression head and
    the class head form one block, so that one product can serve both.

    Parameters
    ----------
    network : Network
        Architecture.

    Attributes
    ----------
    inputs : tuple of int
        Input size of each block.
    shapes : list of (int, int)
        Shape of each block.
    slices : list of (int, int)
        Start and end of each block.
    size : int
        Parameters of one replica.
    """

    def __init__(self, network: Network):
        self.inputs = (1, *network.hidden)
        self.shapes = [(o, i + 1) for i, o in zip(self.inputs, network.hidden, strict=False)]
        self.shapes.append((1 + network.classes, network.hidden[-1] + 1))
        ends = np.cumsum([o * i for o, i in self.shapes]).tolist()
        self.slices = list(zip([0, *ends[:-1]], ends, strict=True))
        self.size = ends[-1]

    def views(self, flat: torch.Tensor) -> list[torch.Tensor]:
        """Return views of the blocks in parameter vectors.

        Parameters
        ----------
        flat : Tensor of shape (R, size)
            Parameters of R replicas.

        Returns
        -------
        list of Tensor
            Views of shape (R, out, in + 1), one per block.
        """
        return [
            flat[:, a:b].view(len(flat), *shape)
            for (a, b), shape in zip(self.slices, self.shapes, strict=True)
        ]


def block_rows(network: Network, training: Training, replicas: int) -> int:
    """Return how many replicas' logits are processed together.

    Parameters
    ----------
    network : Network
        Architecture, with a class head.
    training : Training
        Training settings.
    replicas : int
        Number of replicas.

    Returns
    -------
    int
        As many as fit into ``BLOCK_BYTES``, at least 1; all of them on a GPU.
    """
    size = getattr(torch, training.dtype).itemsize * training.batch * network.classes
    if torch.device(training.device).type != "cpu":
        return replicas
    return max(1, min(replicas, BLOCK_BYTES // size))
