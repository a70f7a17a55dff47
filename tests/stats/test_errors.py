"""Errors per range against values by hand, a plain bootstrap and simulated coverage."""

import numpy as np
import pytest
from scipy import stats

from regcls.stats import errors
from regcls.stats.differences import METRIC_SHARES, per_range
from regcls.stats.errors import ErrorReport


def _report(n=3000, **options):
    rng = np.random.default_rng(1)
    y = rng.uniform(0, 10, n)
    shared = rng.normal(size=n)
    predictions = {"reg": y + shared + 0.3, "reg+cls": y + 0.9 * shared}
    return y, predictions, ErrorReport.from_predictions(y, predictions, [0, 2, 5, 10], **options)


def test_table_worked_out_by_hand_with_an_empty_range():
    report = ErrorReport.from_predictions(
        [1, 2, 9], {"reg": [2, 0, 9.5]}, [0, 4, 8, 12], y_train=[1, 1, 5]
    )
    table = report.table().set_index("low")
    assert table["train"].tolist() == [2, 1, 0] and table["test"].tolist() == [2, 0, 1]
    assert table.loc[0, "mae"] == 1.5
    assert table.loc[0, "rmse"] == pytest.approx(np.sqrt(2.5))
    assert table.loc[0, "bias"] == -0.5
    values = [f"{m}{end}" for m in errors.METRICS for end in ("", "_low", "_high")]
    assert table.loc[4, values].isna().all(), "a range without test samples has NaN, not zero"
    overall = report.overall().iloc[0]
    assert overall["mae"] == pytest.approx(3.5 / 3)
    assert overall["balanced_mae"] == pytest.approx((1.5 + 0.5) / 2)
    assert overall["gm"] == pytest.approx((1 * 2 * 0.5) ** (1 / 3))
    # Relevance 1 - density/max: 0 in the first range, 1 in the last: only 0.5² counts.
    assert overall["sera"] == pytest.approx(0.25)


@pytest.mark.parametrize("y_train", [None, {"train_counts": [0, 0, 0]}])
def test_sera_is_unknown_without_training_targets(y_train):
    _, _, report = _report(**(y_train or {}))
    assert report.overall()["sera"].isna().all()


def _plain_bootstrap(values, statistic, resamples=2000):
    rng = np.random.default_rng(5)
    n = len(values)
    draws = [statistic(values[rng.integers(n, size=n)]) for _ in range(resamples)]
    return np.quantile(draws, [0.025, 0.975])


@pytest.mark.parametrize("n", [400, 20_000])  # all samples are units; samples are grouped
def test_intervals_agree_with_a_plain_bootstrap(n):
    y, predictions, report = _report(n, resamples=2000)
    a = np.abs(predictions["reg"] - y)
    in_range = (y >= 2) & (y < 5)
    row = report.table().query("model == 'reg' and low == 2").iloc[0]
    for values, statistic, low, high in [
        (a[in_range], np.mean, row.mae_low, row.mae_high),
        (a[in_range], lambda v: np.sqrt(np.mean(v**2)), row.rmse_low, row.rmse_high),
    ]:
        plain = _plain_bootstrap(values, statistic)
        width = plain[1] - plain[0]
        assert high - low == pytest.approx(width, rel=0.2)
        np.testing.assert_allclose([low, high], plain, atol=0.15 * width)


@pytest.mark.parametrize("clusters", [0, 60])
def test_standard_errors_of_differences_agree_with_a_plain_bootstrap(clusters):
    rng = np.random.default_rng(4)
    n = 600
    group = rng.integers(clusters, size=n) if clusters else np.arange(n)
    values = 0.2 + rng.normal(size=n) + rng.normal(size=group.max() + 1)[group]
    found = per_range(values, np.zeros(n, int), 1, group if clusters else None)
    members = [np.flatnonzero(group == g) for g in np.unique(group)]
    draws = [
        values[np.concatenate([members[i] for i in rng.integers(len(members), size=len(members))])]
        for _ in range(1500)
    ]
    assert found.value[0] == pytest.approx(values.mean())
    assert found.se[0] == pytest.approx(np.std([d.mean() for d in draws]), rel=0.08)
    assert found.units[0] == len(members)


def test_intervals_of_large_ranges_cover_the_truth():
    hits = []
    for seed in range(200):
        error = np.random.default_rng(seed).normal(size=2000)
        report = ErrorReport.from_predictions(
            np.ones(2000), {"reg": 1 + error}, [0, 2], resamples=300, seed=seed
        )
        row = report.table().iloc[0]
        hits.append(row.mae_low <= np.sqrt(2 / np.pi) <= row.mae_high)
    # 0.95 nominal; 200 trials: four standard errors are 0.062.
    assert 0.885 < np.mean(hits) < 1


def test_pairing_narrows_the_interval_of_the_difference():
    _, _, report = _report()
    table = report.table().set_index(["model", "low"])
    row = report.difference("reg+cls", "reg").set_index("low").loc[5]
    width = table["mae_high"] - table["mae_low"]
    assert row.diff_high - row.diff_low < 0.7 * width["reg", 5]
    assert row.difference == pytest.approx(
        table.loc[("reg+cls", 5), "mae"] - table.loc[("reg", 5), "mae"]
    )
    assert row.diff_high < 0, "the lower error of reg+cls is significant"
    overall = report.overall_difference("reg+cls", "reg")
    assert overall["low"] < overall["difference"] < overall["high"] < 0


def test_clusters_widen_the_interval():
    rng = np.random.default_rng(2)
    cluster = np.repeat(np.arange(40), 50)
    error = rng.normal(size=40)[cluster] + 0.1 * rng.normal(size=2000)
    y = np.ones(2000)
    plain, clustered = (
        ErrorReport.from_predictions(y, {"reg": y + error}, [0, 2], clusters=c).table().iloc[0]
        for c in (None, cluster)
    )
    ratio = (clustered.bias_high - clustered.bias_low) / (plain.bias_high - plain.bias_low)
    assert 5 < ratio < 9  # √50 = 7.1


def test_shots_pool_their_ranges():
    y, predictions, report = _report()
    table = report.shots(np.array(["few", "many", "few"])).query("model == 'reg'")
    assert table["shot"].tolist() == ["many", "few"]
    few = (y < 2) | (y >= 5)
    expected = np.abs(predictions["reg"] - y)[few].mean()
    assert table.iloc[1]["mae"] == pytest.approx(expected)
    assert table["test"].sum() == len(y)


def test_same_seed_same_report():
    first, again, other = (_report(seed=s)[2].table() for s in (0, 0, 1))
    assert first.equals(again) and not first.equals(other)


GOOD = {"y_true": [1.0, 2.0], "predictions": {"reg": [1.0, 2.0]}, "edges": [0, 1.5, 3]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"y_true": []}, "y_true"), ({"y_true": [1, np.nan]}, "y_true"),
        ({"y_true": [1, 9]}, "y_true"), ({"predictions": {}}, "predictions"),
        ({"predictions": {"reg": [1]}}, r"predictions\['reg'\]"),
        ({"predictions": {"reg": [1, np.nan]}}, r"predictions\['reg'\]"),
        ({"predictions": {"reg": ["a", "b"]}}, r"predictions\['reg'\]"),
        ({"edges": [0, 2, 2]}, "edges"), ({"edges": [3]}, "edges"), ({"edges": [3, 1]}, "edges"),
        ({"train_counts": [1]}, "train_counts"), ({"y_train": [np.inf]}, "y_train"),
        ({"clusters": [1]}, "clusters"), ({"level": 95}, "level"), ({"resamples": 0}, "resamples"),
    ],
)  # fmt: skip
def test_invalid_arguments_are_named(change, message):
    with pytest.raises(ValueError, match=message):
        ErrorReport.from_predictions(**(GOOD | change))


def test_unknown_model_metric_or_labels():
    report = ErrorReport.from_predictions(**GOOD)
    with pytest.raises(ValueError, match="no model is called 'x'"):
        report.difference("x", "reg")
    with pytest.raises(ValueError, match="metric"):
        report.difference("reg", "reg", "mse")
    with pytest.raises(ValueError, match="labels"):
        report.shots(np.array(["few"]))


def test_few_samples_have_a_value_and_no_interval():
    y, error = np.r_[np.arange(6.0), 6, 7, 8, 9, 9.5], np.linspace(1, 2, 11)
    report = ErrorReport.from_predictions(y, {"reg": y + error}, [0, 6, 10])
    table = report.table().set_index("low")
    assert table.loc[6, "mae"] == error[6:].mean()
    assert table.loc[6, ["mae_low", "rmse_high", "bias_low"]].isna().all()
    assert table.loc[0, "mae_low"] < table.loc[0, "mae"] < table.loc[0, "mae_high"]
    overall = report.overall().iloc[0]
    assert overall["balanced_mae_low"] < overall["balanced_mae"] < overall["balanced_mae_high"]


def test_a_lone_sample_borrows_the_spread_of_the_other_ranges():
    rng = np.random.default_rng(0)
    y = np.r_[rng.uniform(0, 1, 100), 1.5]
    report = ErrorReport.from_predictions(y, {"reg": y + rng.normal(size=101)}, [0, 1, 2])
    overall = report.overall().iloc[0]
    # The lone error could be any other, so the mean of both ranges is uncertain by half of it.
    spread = 0.6 * np.sqrt(2 / np.pi) / 0.8  # standard deviation of |N(0, 1)| is 0.6
    alone = report.table().iloc[1]["mae"]
    width = overall["balanced_mae_high"] - overall["balanced_mae_low"]
    assert width == pytest.approx(2 * 1.96 * 0.5 * alone * spread / 0.8, rel=0.5)


def test_verdicts_follow_the_intervals_shown():
    rng = np.random.default_rng(3)
    for _ in range(40):
        n = int(rng.integers(20, 400))
        y, shared = rng.exponential(2, n), rng.normal(size=n)
        predictions = {
            name: y + shared + rng.normal(0, rng.uniform(0.05, 1.5), n) for name in "abc"
        }
        edges = np.linspace(y.min(), y.max(), int(rng.integers(2, 12)))
        report = ErrorReport.from_predictions(y, predictions, edges, resamples=10)
        table = report.difference("c", "a")
        for row in table.to_dict("records"):
            expected = {
                "better": row["diff_high"] < 0,
                "worse": row["diff_low"] > 0,
                "no significant difference": row["diff_low"] <= 0 <= row["diff_high"],
                "practically equal": np.isfinite(row["diff_low"]),
                "too few data": np.isnan(row["diff_low"]) and row["units"] < 6,
            }
            assert expected[row["verdict"]], row
        swapped = report.difference("a", "c")
        np.testing.assert_array_equal(table["diff_low"], -swapped["diff_high"])
        names = {"better": "worse", "worse": "better"}
        assert [names.get(v, v) for v in table["verdict"]] == swapped["verdict"].tolist()


def test_the_difference_of_rmses_has_the_width_of_a_bootstrap():
    y, predictions, _ = _report(2000)
    a, b = ((predictions[k] - y) ** 2 for k in ("reg", "reg+cls"))
    rng = np.random.default_rng(0)
    take = rng.integers(len(y), size=(2000, len(y)))
    draws = np.sqrt(a[take].mean(axis=1)) - np.sqrt(b[take].mean(axis=1))
    alone = ErrorReport.from_predictions(y, predictions, [0, 10], resamples=1)
    found = alone.overall_difference("reg", "reg+cls", "rmse")
    assert found["difference"] == pytest.approx(np.sqrt(a.mean()) - np.sqrt(b.mean()))
    # One of three differences: it has a fifth of the 5%, and half of that or more.
    width = (found["high"] - found["low"]) / draws.std() / 2
    assert stats.norm.isf(0.05 / 5 / 2) * 0.95 < width < stats.norm.isf(0.05 / 5 / 4) * 1.05


def test_the_metrics_share_the_error_rate():
    assert sum(METRIC_SHARES.values()) == pytest.approx(1)
    y, predictions, _ = _report()
    report = ErrorReport.from_predictions(y, predictions, [0, 10])
    for metric, share in METRIC_SHARES.items():
        found = report.overall_difference("reg", "reg+cls", metric)
        assert (found["low"] > 0) == (found["p"] < 0.05 * share)


def test_one_cluster_draw_serves_all_ranges():
    """Clusters with samples in all ranges: their covariance makes the balanced interval wide."""
    rng = np.random.default_rng(0)
    cluster = np.repeat(np.arange(40), 50)
    y = np.tile(np.linspace(0, 9.99, 50), 40)
    error = 2 + rng.normal(size=40)[cluster]
    report = ErrorReport.from_predictions(y, {"reg": y + error}, np.arange(0, 11), clusters=cluster)
    overall = report.overall().iloc[0]
    balanced = overall["balanced_mae_high"] - overall["balanced_mae_low"]
    assert balanced == pytest.approx(overall["mae_high"] - overall["mae_low"], rel=0.05)


def test_balanced_difference_is_the_mean_over_ranges():
    _, _, report = _report()
    found = report.balanced_difference("reg", "reg+cls")
    table = report.difference("reg", "reg+cls")
    assert found["difference"] == pytest.approx(table["difference"].mean())
    assert found["low"] < found["difference"] < found["high"]
