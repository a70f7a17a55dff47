"""The depth network's sizes, the mean of its seeds with a line, and the fit of that line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regcls.training.depth.data import Rooms
from regcls.training.depth.network import DepthMean, DepthNet
from regcls.training.depth.recipe import fit_line


@pytest.mark.parametrize("classes", [0, 3])
def test_depth_network_works_at_its_internal_size(classes):
    torch.manual_seed(0)
    net = DepthNet(classes, 2.0, 1.0, pretrained=False).eval()
    photos = torch.randint(0, 256, (1, 96, 128, 3), dtype=torch.uint8)
    with torch.no_grad():
        plain = net(photos)
        net.size = (96, 128)
        same = net(photos)
        net.size = (64, 96)
        other = net(photos)
    assert [part.shape[-2:] for part in other] == [(48, 64)] * (1 + bool(classes))
    assert all(torch.equal(a, b) for a, b in zip(plain, same, strict=True))
    assert not torch.allclose(plain[0], other[0])


def test_depth_mean_averages_the_seeds_and_applies_the_line():
    torch.manual_seed(0)
    nets = [DepthNet(3, centre, 1.0, pretrained=False).eval() for centre in (2.0, 4.0)]
    photos = torch.randint(0, 256, (2, 64, 96, 3), dtype=torch.uint8)
    with torch.no_grad():
        (one, first), (two, second) = (net(photos) for net in nets)
        value, logits = DepthMean(nets, (2.0, 0.5))(photos)
    assert torch.allclose(value, one + two + 0.5, atol=1e-5)
    assert torch.allclose(logits, (first + second) / 2, atol=1e-5)


def test_fit_line_recovers_a_known_linear_error():
    class Wrong(torch.nn.Module):
        """Predicts half the true depth plus one metre; true depth is proportional to brightness."""

        def forward(self, image):
            return (image.float().mean(dim=3)[:, ::2, ::2] / 25 / 2 + 1,)

    grey = np.arange(20, 250, 10)
    images = np.tile(grey[:, None, None, None], (1, 240, 320, 3)).astype(np.uint8)
    depth = np.tile(40 * grey[:, None, None], (1, 240, 320)).astype(np.uint16)
    slope, metres = fit_line(Wrong(), Rooms(images, depth), 240)
    assert (slope, metres) == pytest.approx((2.0, -2.0), abs=1e-3)
