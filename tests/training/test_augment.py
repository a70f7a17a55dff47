"""Augmentation: random views keep the range and depend on the seed."""

from __future__ import annotations

import torch

from regcls.training.augment import random_views
from tests.helpers.training_faces import faces


def test_views_keep_the_range_and_depend_on_the_seed():
    images = torch.from_numpy(faces(6).images)
    one, same, other = (
        random_views(images, 24, torch.Generator().manual_seed(s)) for s in (1, 1, 2)
    )
    assert one.shape == (6, 24, 24, 3)
    assert one.min() >= 0 and one.max() <= 255
    torch.testing.assert_close(one, same)
    assert (one - other).abs().mean() > 1
