"""Errors between the natural and a balanced distribution of targets."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats.errors import ErrorReport
from regcls.stats.mixture import Mixture


def test_both_ends_are_the_errors_of_the_report():
    rng = np.random.default_rng(0)
    y = rng.exponential(2, 500)
    predictions = {"reg": y + rng.normal(size=500), "reg+cls": y + 0.2 * y}
    report = ErrorReport.from_predictions(y, predictions, [0, 1, 2, 4, 100])
    overall = report.overall().set_index("model")
    for share, column in ((0, "mae"), (1, "balanced_mae")):
        assert report.mixture.at(share) == pytest.approx(overall[column].to_dict())


def test_a_share_weights_every_range():
    y = np.r_[np.full(90, 0.5), np.full(10, 1.5)]
    error = np.where(y < 1, 1.0, 5.0)
    mixture = ErrorReport.from_predictions(y, {"reg": y + error}, [0, 1, 2]).mixture
    # Half balanced: weights (0.9 + 0.5) / 2 and (0.1 + 0.5) / 2.
    assert mixture.at(0.5)["reg"] == pytest.approx(0.7 * 1 + 0.3 * 5)


def test_models_change_places_where_their_errors_are_equal():
    mixture = Mixture({"a": 1.0, "b": 1.2, "c": 2.0}, {"a": 6.0, "b": 4.0, "c": 3.5})
    assert [name for _, name in mixture.leaders] == ["a", "b", "c"]
    for share, name in mixture.leaders[1:]:
        errors = mixture.at(share)
        assert min(errors.values()) == pytest.approx(errors[name], rel=0.01)
    table = mixture.table(1000)
    lowest = table.loc[table.groupby("balance")["mae"].idxmin()].sort_values("balance")
    changes = lowest.loc[lowest["model"] != lowest["model"].shift(), ["balance", "model"]]
    for (share, name), row in zip(mixture.leaders, changes.itertuples(), strict=True):
        assert name == row.model and share == pytest.approx(row.balance, abs=0.002)
    assert mixture.sentence.startswith("By the estimates, a has the lowest MAE on targets")


@pytest.mark.parametrize(
    ("natural", "balanced", "leaders"),
    [
        ({"a": 1.0, "b": 2.0}, {"a": 3.0, "b": 4.0}, ["a"]),
        ({"a": 1.0, "b": 1.0}, {"a": 3.0, "b": 2.0}, ["b"]),
        ({"a": 1.0, "b": 1.0}, {"a": 2.0, "b": 2.0}, ["a"]),
        ({"a": 1.0, "b": 2.0}, {"a": 2.0, "b": 2.0}, ["a"]),
        ({"a": 1.0}, {"a": 2.0}, ["a"]),
    ],
)
def test_leaders_of_equal_and_parallel_lines(natural, balanced, leaders):
    mixture = Mixture(natural, balanced)
    assert [name for _, name in mixture.leaders] == leaders
    assert ("every mix" in mixture.sentence) == (len(leaders) == 1)


def test_a_share_beyond_the_ends_is_refused():
    with pytest.raises(ValueError, match="share"):
        Mixture({"a": 1.0}, {"a": 1.0}).at(1.5)
