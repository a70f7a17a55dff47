"""Small data sets of faces, for tests of training."""

from __future__ import annotations

import numpy as np

from regcls.training.age.data import Faces


def faces(n: int, seed: int = 0) -> Faces:
    rng = np.random.default_rng(seed)
    return Faces(
        rng.integers(0, 256, (n, 32, 32, 3), dtype=np.uint8),
        rng.uniform(1, 90, n).astype(np.float32),
    )
