"""Breakfast's frame features: the loader, and the MLP of Pintea et al. on synthetic data."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from regcls.stats import bins
from regcls.training.fit import fit
from regcls.training.progress.data import CUT, load_features
from regcls.training.progress.features import RECIPE, FeatureProgresses, FeatureRegressor


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """Write 16 videos whose features are noisy functions of the relative time."""
    root, rng = tmp_path_factory.mktemp("breakfast"), np.random.default_rng(0)
    waves = rng.normal(0, 1, (3, 64))
    for number in range(16):
        time = np.linspace(0, 1, int(rng.integers(60, 200)))[:, None]
        shapes = np.hstack((time, np.cos(3 * time), np.sin(3 * time)))
        table = shapes @ waves + rng.normal(0, 0.3, (len(time), 64))
        np.savetxt(root / f"P{number:02d}_cam01_coffee.txt", table, fmt="%.4f")
    return root


def test_targets_are_relative_times(folder):
    clips = load_features(folder, cut=False)
    assert len(clips) == 16 and clips.frames.shape == (len(clips.progress), 64)
    assert set(clips.tasks) == {"coffee"} and clips.names[0] == "P00_cam01_coffee"
    first = clips.progress[: clips.starts[1]]
    np.testing.assert_allclose(first, np.linspace(0, 1, len(first)), atol=1e-6)


def test_cut_clips_end_at_their_cut(folder):
    clips = load_features(folder, cut=True)
    last = clips.progress[clips.starts[1:] - 1]
    assert (clips.cuts >= CUT[0]).all() and (last < 1).any()
    np.testing.assert_allclose(last, clips.cuts, atol=0.02)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [(None, "no .txt files"), ("1 2 3\n4 5 6\n", "3 columns instead of 64")],
)
def test_invalid_feature_files_are_rejected(tmp_path, content, sentence):
    if content:
        (tmp_path / "a.txt").write_text(content)
    with pytest.raises(ValueError, match=sentence):
        load_features(tmp_path)


def test_network_has_the_layers_of_the_paper():
    net = FeatureRegressor(classes=10)
    weights = [tuple(p.shape) for p in net.parameters() if p.ndim == 2]
    assert weights == [(80, 64), (40, 80), (1, 40), (10, 40)]
    value, logits = net(torch.zeros(5, 64))
    assert value.shape == (5,) and logits.shape == (5, 10)


@pytest.mark.parametrize("classes", [0, 10])
def test_both_variants_learn_progress_from_features(folder, classes):
    clips = load_features(folder, cut=False)
    edges = bins.make("equal-width", clips.progress, classes, (0, 1)).edges if classes else ()
    recipe = replace(RECIPE, edges=tuple(map(float, edges)), reg_weight=10.0, lr=5e-3)
    model = fit(recipe, FeatureProgresses(clips, recipe.edges))
    with torch.no_grad():
        value = model(torch.from_numpy(clips.frames))[0].numpy()
    assert np.abs(value - clips.progress).mean() < 0.08  # always 0.5 has 0.25
