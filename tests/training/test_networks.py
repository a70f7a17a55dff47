"""Networks: both models of a pair start with the same weights."""

from __future__ import annotations

import torch

from regcls.training.networks import ImageRegressor


def test_both_models_of_a_pair_start_with_the_same_weights():
    torch.manual_seed(5)
    reg = ImageRegressor(0, pretrained=False)
    torch.manual_seed(5)
    regcls = ImageRegressor(12, pretrained=False)
    torch.testing.assert_close(reg.value_head.weight, regcls.value_head.weight)
