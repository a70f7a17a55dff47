"""A whole comparison on little data: what is held out, intervals, words, files, the command."""

from __future__ import annotations

import io
import json
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from onnx import helper
from sklearn.ensemble import HistGradientBoostingRegressor
from typer.testing import CliRunner

from regcls.cli.app import app
from regcls.tabular import columns, onnx_trees, samples, verdict
from regcls.tabular import comparison as tabular_comparison
from regcls.tabular import fold as tabular_fold
from regcls.tabular import plan as tabular_plan
from regcls.tabular.columns import AdviseError
from regcls.tabular.comparison import Comparison, Results
from regcls.tabular.fold import FoldResult, fit_fold
from regcls.tabular.intervals import Held
from regcls.tabular.onnx_export import onnx_bytes, onnx_zip, predict, predicted_rows
from regcls.tabular.plan import FIRST, KINDS, NETWORKS, Budget, Plan
from regcls.tabular.pytorch_code import snippet

TINY = Budget(repeats=1, settings=2, steps=40)


def frame(rows: int = 120) -> pd.DataFrame:
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=(2, rows))
    kind = rng.choice(["north", "south", "west"], rows)
    y = np.exp(a) + (kind == "west") + 0.1 * rng.normal(size=rows)
    a[rng.random(rows) < 0.1] = np.nan
    return pd.DataFrame({"a": a, "b": b, "kind": kind, "y": y})


def fitted(one: Plan) -> FoldResult:
    """The first fold, trained in a thread of its own as a comparison does."""
    with ThreadPoolExecutor(1, initializer=tabular_comparison._alone) as pool:
        return pool.submit(fit_fold, one, 0, 0).result()


def plan(budget: Budget = TINY, **options) -> Plan:
    return Plan(columns.problem(frame(), "y"), budget, **options)


@pytest.fixture(scope="module")
def done() -> Comparison:
    comparison = Comparison(plan())
    comparison.run()
    assert comparison.error is None
    return comparison


def test_every_row_is_held_out_once_a_repeat(done):
    results = done.results
    assert results.complete and sorted(results.row) == list(range(120))
    assert done.progress.share == pytest.approx(1) and not done.running and not done.cancelled
    assert list(results.table["kind"]) == [*KINDS, "constant"]
    held = results.out_of_fold()
    own = np.abs(held["reg"] - held["y_true"]).mean()
    assert own == pytest.approx(results.table.set_index("kind").loc["reg", "mae"])


def test_what_is_learned_beats_the_median(done):
    """a and kind explain nearly all of y."""
    errors = done.results.table.set_index("kind")["mae"]
    assert (errors[["reg", "control", "reg+cls", "trees"]] < 0.8 * errors["constant"]).all()


def test_held_out_targets_change_nothing(monkeypatch):
    """Neither training nor picking may look at them."""
    one = plan()
    dealt, edges, which = one.folds(0), one.edges, one.which
    y = one.problem.y.copy()
    y[dealt == 0] += 100
    other = Plan(replace(one.problem, y=y), TINY)
    monkeypatch.setattr(Plan, "folds", lambda self, repeat: dealt)
    other.__dict__.update(edges=edges, which=which)
    a, b = (fitted(p).predictions for p in (one, other))
    for kind in KINDS:
        np.testing.assert_array_equal(a[kind], b[kind])


def test_a_large_table_searches_on_a_part_and_says_so(monkeypatch):
    monkeypatch.setattr(tabular_fold, "SEARCH_ROWS", 60)
    monkeypatch.setattr(tabular_plan, "SEARCH_ROWS", 60)
    one = plan()
    assert one.subsampled == 36
    sizes = []
    made = tabular_fold._Work.__init__

    def noted(self, plan, train, *rest):
        sizes.append(len(train))
        made(self, plan, train, *rest)

    monkeypatch.setattr(tabular_fold._Work, "__init__", noted)
    found = fitted(one)
    assert (sizes[0] < 50 and sizes[1] == 77 - (len(found.test) - 24)) or sizes[1] > 70
    assert "drawn at random" in verdict.verdict(Results(one, [found])).points[-1]


def test_cancelling_keeps_what_is_done():
    comparison = Comparison(plan(Budget(repeats=4, settings=10, steps=4000))).start()
    while comparison.progress.share == 0:
        time.sleep(0.02)
    comparison.cancel()
    comparison._thread.join(60)
    assert comparison.cancelled and comparison.error is None and not comparison.kept


def test_a_comparison_that_nobody_waits_for_stops():
    slow = Budget(repeats=4, settings=10, steps=4000)
    comparison = Comparison(plan(slow), present=lambda: False)
    comparison.run()
    assert comparison.cancelled and comparison.progress.share < 1


# Intervals


def held(rows: int = 200, fits: int = 10) -> Held:
    row = np.tile(np.arange(rows), 2)
    fit = np.concatenate([np.arange(rows) % 5, 5 + np.arange(rows) % 5]) % fits
    return Held(row, fit, np.where(row < 150, 0, 1))


def test_differences_by_hand():
    some = held()
    b = np.ones(400)
    a = np.where(some.which == 0, 0.5, 2.0)
    # Balanced: (0.5 + 2) / 2 − 1; over rows: 0.75 · 0.5 + 0.25 · 2 − 1. No spread, so no width.
    for goal, value in (("balanced", 0.25), ("overall", -0.125)):
        found = some.difference(a, b, goal)
        assert found.value == pytest.approx(value) and found.share == pytest.approx(value)
    assert some.difference(a, b, "balanced").low == pytest.approx(0.25)
    assert some.difference(a, b, only=1).value == pytest.approx(1)
    assert some.difference(a, a).verdict == "no clear difference"


def test_a_model_that_differs_by_chance_is_no_finding():
    """All rows agree, but only one of ten trained models is better: that must not pass."""
    some = held()
    rng = np.random.default_rng(0)
    b = 1 + 0.01 * rng.random(400)
    lucky = b - 0.9 * (some.fit == 3)
    assert some.difference(lucky, b).verdict == "no clear difference"
    assert some.difference(b - 0.5, b).verdict == "better"
    assert some.difference(b + 0.5, b).verdict == "worse"


def test_intervals_hold_what_they_promise():
    """Rows and models both vary, the mean difference is zero: few intervals may exclude it."""
    missed, rng = 0, np.random.default_rng(5)
    some = held()
    for _ in range(60):
        noise = rng.normal(size=10)[some.fit] + rng.normal(size=200)[some.row]
        b = np.full(400, 5.0)
        missed += some.difference(b + noise, b).verdict != "no clear difference"
    assert missed <= 5


def test_two_models_are_too_few_for_an_interval():
    few = held(fits=2)
    assert few.difference(np.zeros(400), np.ones(400)).verdict == "too early"


# Words


def told(**errors: float) -> verdict.Verdict:
    """The verdict where each kind errs by so much on every row (reg: 1), with a little noise."""
    one = plan()
    dealt, rng = one.folds(0), np.random.default_rng(0)
    noise = 1 + 0.05 * rng.random(len(dealt))
    folds = []
    for fold in range(5):
        test = np.flatnonzero(dealt == fold)
        y = one.problem.y[test]
        predictions = {k: y + errors.get(k.replace("+", "").replace("-", "_"), 1.0) * noise[test]
                       * (1 + 0.02 * rng.random(len(test))) for k in KINDS}  # fmt: skip
        picked = dict.fromkeys(KINDS, FIRST)
        folds.append(FoldResult(0, fold, test, predictions, picked, {}, float(y.max() + 50)))
    return verdict.verdict(Results(one, folds))


def test_a_clear_gain_is_told_with_its_size_and_what_does_as_well():
    said = told(regcls=0.8, sqrt_inverse=0.8)
    assert "adding classification (16 equalized bins most often) lowers the balanced MAE" in (
        said.headline
    )
    assert "by 20 % [" in said.headline
    text = " ".join(said.points)
    assert "Against the control, reg with its loss scale tuned alike, it lowers" in text
    assert "a clear gain for targets from" in text and "(100% of the rows)" in text
    assert "square-root weights by 20 %" in text and "none is clearly worse or better" in text
    assert "A network is worth it" in text
    assert said.first.startswith("Try square-root weights first")


def test_the_control_may_explain_it_all():
    said = told(regcls=0.8, control=0.8)
    assert "tuning the loss scale alone may be all that is needed" in said.points[0]
    assert said.first.startswith("Try the control")


def test_a_loss_and_better_trees_are_told():
    said = told(regcls=1.3, trees=0.5)
    assert "raises the balanced MAE by 30 % [" in said.headline
    assert any("trees are better anyway" in point for point in said.points)
    assert said.first == "Try gradient-boosted trees first."


def test_no_difference_is_never_called_one():
    said = told()
    assert "no clear difference" in said.headline and "holds zero" in said.headline
    assert "No target range by itself" in " ".join(said.points)
    assert said.first.startswith("Try plain reg first")


# Models to take along


def test_onnx_files_answer_as_the_models_do(done):
    values = done.plan.problem.values.copy()
    values[0, 2], values[1, 2], values[2, 2] = 3, -1, np.nan  # levels that nobody has seen
    for kind in KINDS:
        data = onnx_bytes(done.kept[kind], done.plan.problem)
        session = onnxruntime.InferenceSession(data)
        got = session.run(["value"], {"table": values.astype(np.float32)})[0]
        safe = np.where(np.isnan(values[:, 2]) | (values[:, 2] < 0), 3, values[:, 2])
        coded = np.column_stack([values[:, :2], safe])
        np.testing.assert_allclose(got, predict(done.kept[kind], coded), atol=1e-4)
        note = json.loads(session.get_modelmeta().custom_metadata_map["regcls_table"])
        assert [c["name"] for c in note["columns"]] == ["a", "b", "kind"]
        names = {output.name for output in session.get_outputs()}
        assert ("logits" in names) == (kind in ("reg+cls", "hl-gauss"))
    with zipfile.ZipFile(io.BytesIO(onnx_zip(done.results, done.kept))) as archive:
        assert len(archive.namelist()) == len(KINDS)


def test_trees_as_onnx_split_where_scikit_learn_does():
    """On a threshold, just above, and just below, in numbers that float32 cannot hold exactly."""
    rng = np.random.default_rng(3)
    x = np.round(rng.normal(size=(600, 4)), 1).astype(np.float32)
    y = 100 + 30 * (x[:, 0] > 0.3) + x[:, 1] * x[:, 2] + rng.normal(size=600)
    trees = HistGradientBoostingRegressor(max_iter=40, random_state=0).fit(x, y)
    found = onnx_trees.attributes(trees)
    cuts = np.array(
        [v for v, m in zip(found["nodes_values"], found["nodes_modes"], strict=True) if m != "LEAF"]
    ).astype(np.float32)
    rows = np.repeat(np.concatenate([cuts, np.nextafter(cuts, 9), np.nextafter(cuts, -9)]), 4)
    rows = np.concatenate([rows.reshape(-1, 4), x])
    node = helper.make_node(
        "TreeEnsembleRegressor", ["x"], ["y"], domain=onnx_trees.DOMAIN, **found
    )
    ends = [helper.make_tensor_value_info(n, 1, ["N", w]) for n, w in (("x", 4), ("y", 1))]
    graph = helper.make_graph([node], "trees", ends[:1], ends[1:])
    opsets = [helper.make_opsetid(onnx_trees.DOMAIN, onnx_trees.OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=8)
    session = onnxruntime.InferenceSession(model.SerializeToString())
    got = session.run(None, {"x": rows})[0][:, 0]
    np.testing.assert_allclose(got, trees.predict(rows.astype(float)), rtol=1e-5)


def test_new_rows_get_all_predictions(done):
    new = frame().drop(columns="y").head(5)
    out = predicted_rows(done.kept, done.plan.problem, new)
    assert len(out) == 5 and out["y, trees"].notna().all() and out["y, reg+cls"].notna().all()
    with pytest.raises(AdviseError, match="lack the column “kind”"):
        predicted_rows(done.kept, done.plan.problem, new[["a", "b"]])


@pytest.mark.parametrize("bins", tabular_plan.BIN_KINDS)
@pytest.mark.parametrize("kind", NETWORKS)
def test_the_code_runs_and_learns(kind, bins):
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 3))
    y = 2 * x[:, 0] + x[:, 1]
    space: dict = {}
    setting = replace(FIRST, bins=bins, lr=5e-3)
    exec(snippet(kind, setting, 'a "quoted" target', rows=300, steps=250), space)
    error = np.abs(space["train"](x, y)(x) - y).mean()
    assert error < 0.5 * np.abs(y - np.median(y)).mean()


# Samples and the command


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_real_tables_with_their_target(name):
    sample = samples.SAMPLES[name]
    table = samples.load(name)
    found = columns.problem(table, sample.target, sample.leave_out or None, sample.group)
    assert len(found.y) > 150 and not [s for s in found.suspicions if s.certain]
    with pytest.raises(ValueError, match="no sample"):
        samples.load("toy")


def test_the_command_answers_in_json(tmp_path, monkeypatch):
    monkeypatch.setitem(tabular_plan.BUDGETS, "quick", TINY)
    path = tmp_path / "table.csv"
    frame().assign(copy=frame()["y"]).to_csv(path, index=False)
    asked = ["advise", str(path), "--target", "y", "--budget", "quick", "--json"]
    zipped = tmp_path / "models.zip"
    done = CliRunner().invoke(app, [*asked, "--onnx", str(zipped)])
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["rows"] == 120 and found["columns"] == ["a", "b", "kind"]
    assert any("“copy” is left out" in note for note in found["notes"])
    assert found["verdict"]["headline"] and len(found["models"]) == len(KINDS) + 1
    assert zipfile.is_zipfile(zipped)


def test_the_command_refuses_in_one_sentence(tmp_path):
    path = tmp_path / "table.csv"
    frame(8).to_csv(path, index=False)
    for more, words in (
        (["--target", "y"], "At least 50 rows"),
        (["--target", "z"], "There is no column “z”"),
        (["--target", "y", "--group", "z"], "There is no column “z”"),
    ):
        done = CliRunner().invoke(app, ["advise", str(path), *more])
        assert done.exit_code == 2 and words in done.stderr and "Traceback" not in done.output
