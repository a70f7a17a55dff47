"""Training loop: a resumed run ends with the same weights; frozen blocks stay as they are."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from regcls.training import fit
from regcls.training.age import recipe as age_recipe
from regcls.training.networks import ImageRegressor
from tests.helpers.training_faces import faces


def ages(n: int) -> age_recipe.Ages:
    return age_recipe.Ages(faces(n), RECIPE.edges)


RECIPE = fit.Recipe(sides=(32, 32), batch=8, edges=(0.0, 30.0, 60.0, 90.0), frozen=3)


def test_a_resumed_fit_ends_with_the_same_weights(tmp_path, monkeypatch):
    data, whole, part = ages(24), tmp_path / "whole.ckpt", tmp_path / "part.ckpt"
    expected = fit.fit(RECIPE, data, whole).state_dict()

    class Stopped(Exception):
        pass

    def stop_in_the_second_epoch(progress):
        if progress.epoch == 1:
            raise Stopped

    with pytest.raises(Stopped):
        fit.fit(RECIPE, data, part, stop_in_the_second_epoch)
    resumed = fit.fit(RECIPE, data, part).state_dict()
    for name, value in expected.items():
        torch.testing.assert_close(resumed[name], value, msg=name)
    with pytest.raises(ValueError, match="another recipe"):
        fit.fit(replace(RECIPE, seed=1), data, part)


def test_frozen_blocks_keep_their_weights_and_the_others_are_trained():
    model = fit.fit(replace(RECIPE, sides=(32,)), ages(24))
    fresh = ImageRegressor(3)
    frozen = fresh.backbone._blocks[2]._project_conv.weight
    torch.testing.assert_close(model.backbone._blocks[2]._project_conv.weight, frozen)
    moved = model.backbone._conv_head.weight - fresh.backbone._conv_head.weight
    assert moved.abs().max() > 0
