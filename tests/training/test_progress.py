"""Progress export (sub-segments, clock baseline, shots), and the depth network and its line."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from regcls.training.depth.data import Rooms
from regcls.training.depth.network import DepthMean, DepthNet
from regcls.training.depth.recipe import fit_line
from regcls.training.progress.data import Clips
from regcls.training.progress.export import SHORTEST, clock, own_shots, segments


def _clips(lengths: tuple[int, ...], tasks: tuple[str, ...]) -> Clips:
    """Return clips with empty frames, ten per second."""
    return Clips(
        frames=np.zeros((sum(lengths), 1), np.uint8),
        progress=np.concatenate([np.linspace(0, 1, n, dtype=np.float32) for n in lengths]),
        starts=np.cumsum((0, *lengths)),
        seconds=np.array(lengths) / 10,
        cuts=np.ones(len(lengths)),
        names=tuple(map(str, lengths)),
        tasks=tasks,
    )


def test_segments_stay_in_their_clip_and_their_time_starts_at_zero():
    clips = _clips((100, 200), ("a", "b"))
    cut = segments(clips, each=50)
    assert (clips.clip_of_frame[cut.at] == cut.clip).all()
    starts = np.flatnonzero(cut.seconds == 0)
    assert len(starts) == 100
    parts = np.split(clips.progress[cut.at], starts[1:])
    assert all((np.diff(part) >= 0).all() for part in parts)
    first = np.array([part[0] for part in parts])
    assert first.max() <= 1 - SHORTEST + 0.01 and first.std() > 0.1
    assert np.array_equal(segments(clips, each=50).at, cut.at)


def test_clock_uses_the_mean_length_of_the_task():
    train = _clips((100, 300, 50), ("a", "a", "b"))  # means: 20 s and 5 s
    test = _clips((80, 80), ("b", "a"))
    answer = clock(train, test, np.array([0, 1, 0]), np.array([2.5, 2.5, 99.0]))
    assert answer == pytest.approx([0.5, 0.125, 1.0])


def test_shots_are_relative_to_the_fullest_bucket():
    shots = own_shots(np.array([100, 80, 79, 40, 39, 0]))
    assert shots.tolist() == ["many", "many", "medium", "medium", "few", "few"]


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
