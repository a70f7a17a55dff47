"""Training of batches: results equal the Lab's and do not depend on the batch."""

from __future__ import annotations

import pytest

from regcls import study
from regcls.lab.run import Lab
from regcls.study import worker
from tests.helpers.study_grids import small


def test_a_run_equals_the_labs_run():
    grid = small(repeats=2)
    cell, run = grid.cells[1], grid.runs[2]
    lab = Lab(cell.lab_settings(run, grid.protocol))
    while not lab.done:
        lab.advance_epoch()
    models = [models[2] for models in grid.models_of(cell).values()]
    ours = [worker.train([model])[0].test_mse for model in models]
    assert ours == pytest.approx(lab.test_mse[:, 0], rel=1e-6)


def numbers(result):
    """All numbers of a result but its time, by name; missing ones are NaN."""
    parts = {**result.ranges, **result.curve, "test": result.test_mse, "val": result.val_mse}
    return {
        f"{name} {i}": float("nan") if value is None else value
        for name, values in parts.items()
        for i, value in enumerate(values if isinstance(values, list) else [values])
    }


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"bins": ["equalized"]},
        {"class_loss": ["soft"]},
        {"scenario": ["noisy"], "bins": ["quantile"]},
    ],
    ids=str,
)
def test_a_result_does_not_depend_on_the_batch(changes):
    models = [m for m in small(**changes).models() if m.classes == 32]
    for batch in worker.pack(models):
        together = worker.train(batch)
        alone = worker.train([batch[-1]])[0]
        assert together[-1].model == alone.model
        assert numbers(together[-1]) == pytest.approx(numbers(alone), rel=1e-5, nan_ok=True)


def test_each_model_is_in_one_batch_of_equal_settings():
    models = study.load("paper").models()
    batches = worker.pack(models, jobs=2)
    assert sorted(m.key for b in batches for m in b) == sorted(m.key for m in models)
    for batch in batches:
        assert len({(m.classes, m.scenario, m.sampling) for m in batch}) == 1
        assert sum(model.core_seconds for model in batch) < 40


def test_errors_per_range_add_up_to_the_total():
    result = worker.train(small(scenario=["noisy"]).models()[:1])[0]
    ranges = result.ranges
    assert sum(ranges["train"]) == sum(ranges["test"]) == 300
    total = sum(n * (e or 0) for n, e in zip(ranges["test"], ranges["mse"], strict=True))
    assert total / 300 == pytest.approx(result.test_mse, rel=1e-4)
    assert result.curve["epoch"][-1] == 4
    assert result.curve["test_mse"][-1] == pytest.approx(result.test_mse, rel=1e-4)
