"""Successive halving: what it drops, and that verdicts are those of a full search beyond noise."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.stats.verdicts import BETTER, WORSE
from regcls.tabular import fitter
from regcls.tabular.columns import make_problem
from regcls.tabular.comparison import Comparison
from regcls.tabular.methods import KINDS, NETWORKS
from regcls.tabular.plan import Budget, Plan
from regcls.tabular.results import Results
from tests.helpers.small_comparison import small_table

SEARCH = Budget(repeats=1, settings=6, steps=160)


def results(rungs: tuple[tuple[float, float], ...], monkeypatch: pytest.MonkeyPatch) -> Results:
    monkeypatch.setattr(fitter, "RUNGS", rungs)
    comparison = Comparison(Plan(make_problem(small_table(200), "y"), SEARCH))
    comparison.run()
    assert comparison.error is None and comparison.results is not None
    return comparison.results


def test_half_of_the_settings_of_each_answer_go_on_twice(monkeypatch):
    left: list[dict[str, int]] = []
    keep = fitter.Fitter._keep

    def noted(self: fitter.Fitter, share: float) -> None:
        keep(self, share)
        kinds = [kind for kind, _ in self.tried]
        left.append({kind: kinds.count(kind) for kind in NETWORKS})

    monkeypatch.setattr(fitter.Fitter, "_keep", noted)
    plan = Plan(make_problem(small_table(120), "y"), SEARCH)
    train, valid = np.arange(90), np.arange(90, 120)
    fitter.Fitter(plan, train, valid, seed=0).search(lambda share: None)
    first, second = left
    # A network with a class head keeps the best of each of its answers, which need not be the same.
    assert first["reg"] == 3 and second["reg"] == 2
    assert 3 <= first["reg+cls"] <= 6 and 2 <= second["reg+cls"] <= first["reg+cls"]


@pytest.mark.slow
def test_verdicts_are_those_of_the_full_search_beyond_noise(monkeypatch):
    halved = results(fitter.RUNGS, monkeypatch)
    full = results((), monkeypatch)
    errors = [found.table.set_index("kind")["balanced_mae"] for found in (halved, full)]
    change = np.log(errors[0] / errors[1]).loc[list(KINDS)]
    assert abs(change.mean()) < 0.03 and change.abs().max() < 0.2
    for other in ("reg", "control"):
        one, two = (found.difference("reg+cls", other) for found in (halved, full))
        assert one.share_low < two.share < one.share_high
        assert two.share_low < one.share < two.share_high
        assert {one.verdict, two.verdict} != {BETTER, WORSE}
