"""Column roles proposed for a table: targets, predictions, intervals, one row per model."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from regcls.io.reading import TableError
from regcls.predictions.detection import (
    detect,
    detect_long,
    long_columns,
    propose,
    training_targets,
)
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers.made_tables import table


def test_column_roles_are_detected_from_names_and_correlations():
    frame = table().rename(columns={"age": "y_true"})
    found = detect(frame)
    assert (found.target, found.models) == ("y_true", ("pred_good", "pred_poor"))
    assert (found.train, found.category, found.group) == (None, "site", None)
    blind = frame.rename(columns={"pred_good": "a", "pred_poor": "b"})
    assert detect(blind).models == ("a", "b")  # the id is not correlated with the target


def test_training_targets_are_found_in_the_same_table():
    assert detect(table().assign(y_train=1.0)).train == "y_train"


def test_column_roles_of_shipped_predictions():
    for task in ("age", "depth", "progress"):
        found = detect(pd.read_parquet(MODELS_FOLDER / task / "test_predictions.parquet"))
        assert found.target == "y_true" and {"reg", "regcls"} <= set(found.models)


def test_columns_about_predictions_are_no_predictions():
    frame = table().rename(columns={"age": "y_true"}).assign(region=3.0)
    frame = frame.assign(pred_error=1.0, pred_good_se=0.1, abs_err_pred=2.0)
    assert detect(frame).models == ("pred_good", "pred_poor")


def test_an_id_in_the_order_of_the_target_is_no_prediction():
    frame = table().sort_values("age").reset_index(drop=True)
    frame = frame.rename(columns={"age": "y_true", "pred_good": "a", "pred_poor": "b"})
    assert detect(frame.assign(id=np.arange(len(frame)))).models == ("a", "b")


def test_the_first_eight_models_are_proposed_and_the_others_named():
    frame = table()[["age"]].rename(columns={"age": "y_true"})
    for k in range(10):
        frame[f"pred_{k}"], frame[f"pred_{k}_std"] = frame["y_true"] + k, 1.0
    found = propose(frame)
    assert len(found.columns.models) == len(found.columns.intervals) == 8
    assert found.notes == (
        "Of 10 columns of predictions, the first 8 are proposed; left out: pred_8, pred_9.",
    )


def test_columns_of_known_libraries():
    y = table()["age"]
    made = {
        "y": y,
        "yhat": y + 1,
        "yhat_lower": y,
        "yhat_upper": y + 2,
        "trend": 0.9 * y,
        "trend_lower": 0.8 * y,
        "trend_upper": y,
    }
    found = detect(pd.DataFrame(made))
    assert (found.target, found.models, len(found.intervals)) == ("y", ("yhat",), 1)
    made = {"target": y, "mean": y + 1, **{f"0.{k}": y + k - 5 for k in range(1, 10)}}
    found = detect(pd.DataFrame(made))
    assert found.models == ("mean",) and found.intervals[0].level == pytest.approx(0.8)


# Intervals


def with_interval(*names: str, model: str = "pred_good") -> pd.DataFrame:
    """A table with the predictions of one model, and columns one below, or around, them."""
    frame = table()[["id", "age", "pred_good"]].rename(columns={"age": "y_true"})
    for name, shift in zip(names, (-2.0, 2.0, -4.0, 4.0), strict=False):
        frame[name] = frame["pred_good"] + shift
    return frame.rename(columns={"pred_good": model})


PAIRS = {
    ("pred_lower", "pred_upper"): ("pred", 0.95),
    ("reg_lo", "reg_hi"): ("reg", 0.95),
    ("reg_low", "reg_high"): ("reg_mean", 0.95),
    ("reg_q05", "reg_q95"): ("reg", 0.9),
    ("reg_q5", "reg_q95"): ("reg_q50", 0.9),
    ("reg_p5", "reg_p95"): ("reg", 0.9),
    ("reg_2.5%", "reg_97.5%"): ("reg", 0.95),
    ("reg_025", "reg_975"): None,  # numbers without a word are names of models
    ("reg_q025", "reg_q975"): ("reg", 0.95),
    ("reg_ci_low", "reg_ci_high"): ("reg", 0.95),
    ("lower", "upper"): ("prediction", 0.95),
    ("lwr", "upr"): ("fit", 0.95),
    ("yhat_lower", "yhat_upper"): ("yhat", 0.95),
    ("AutoARIMA-lo-90", "AutoARIMA-hi-90"): ("AutoARIMA", 0.9),
    ("Lo 80", "Hi 80"): ("Point Forecast", 0.8),
    ("lower_reg", "upper_reg"): ("reg", 0.95),
    ("predLower", "predUpper"): ("predMean", 0.95),
    ("0.1", "0.9"): ("mean", 0.8),
    ("reg_quantile_0.05", "reg_quantile_0.95"): ("reg", 0.9),
}


@pytest.mark.parametrize(("names", "expected"), PAIRS.items(), ids=["-".join(p) for p in PAIRS])
def test_limits_are_recognised_by_their_names(names, expected):
    model, level = expected or ("reg", 0.0)
    found = detect(with_interval(*names, model=model))
    if expected is None:
        assert found.intervals == ()
        return
    assert found.models == (model,)
    (interval,) = found.intervals
    assert interval.columns == names and interval.model == model
    assert interval.level == pytest.approx(level)


@pytest.mark.parametrize("name", ["pred_std", "pred_sd", "pred_sigma", "pred_stdev", "std"])
def test_a_standard_deviation_is_recognised(name):
    frame = with_interval(model="pred_mean").assign(**{name: 0.5})
    found = detect(frame)
    assert found.models == ("pred_mean",) and found.intervals[0].std == name
    negative = frame.assign(**{name: np.linspace(-1, 1, len(frame))})
    assert detect(negative).intervals == ()


def test_intervals_of_several_models_are_told_apart():
    frame = table().rename(columns={"age": "y_true", "pred_good": "reg", "pred_poor": "reg+cls"})
    for model in ("reg", "reg+cls"):
        frame[f"{model}_lower"], frame[f"{model}_upper"] = frame[model] - 1, frame[model] + 1
    found = detect(frame.assign(**{"reg+cls_std": 1.0}))
    assert found.models == ("reg", "reg+cls")
    assert [i.label for i in found.intervals] == [
        "reg_lower to reg_upper",
        "reg+cls_lower to reg+cls_upper",
    ]


def test_of_several_quantiles_the_widest_pair_is_proposed_and_none_is_a_model():
    frame = with_interval("pred_q25", "pred_q75", "pred_q05", "pred_q95", model="pred")
    found = detect(frame.assign(pred_q10=frame["pred"] - 3))
    assert found.models == ("pred",) and found.intervals[0].label == "pred_q05 to pred_q95"
    options = propose(frame).intervals("y_true", ["pred"])["pred"]
    assert [(one.label, one.level) for one in options] == [
        ("pred_q05 to pred_q95", 0.9),
        ("pred_q25 to pred_q75", 0.5),
    ]


def test_models_called_low_and_high_are_no_interval():
    frame = table().rename(
        columns={"age": "y_true", "pred_good": "model_low", "pred_poor": "model_high"}
    )
    found = detect(frame)
    assert found.models == ("model_low", "model_high") and found.intervals == ()


def test_the_distance_of_the_limits_in_standard_deviations_gives_the_level():
    frame = with_interval("pred_lower", "pred_upper", model="pred_mean")
    for std, level, source in ((1.0, 0.95, "limits"), (2.0, 0.68, "limits")):
        (interval,) = detect(frame.assign(pred_std=std)).intervals
        assert (interval.level, interval.source) == (level, source)
        assert interval.columns == ("pred_lower", "pred_upper")
    uneven = frame.assign(pred_std=np.linspace(0.1, 5, len(frame)))
    assert detect(uneven).intervals[0].source == "assumed"


# One row per sample and model


def long_table(models: tuple[str, ...] = ("a", "b"), rows: int = 40) -> pd.DataFrame:
    y = np.round(np.random.default_rng(0).uniform(1, 10, rows), 2)
    parts = [
        pd.DataFrame({"method": name, "sample": np.arange(rows), "y_true": y, "pred": y + k})
        for k, name in enumerate(models)
    ]
    return pd.concat(parts, ignore_index=True)


def test_one_row_per_model_becomes_one_column_per_model():
    frame = long_table()
    shuffled = frame.sample(frac=1, random_state=0).reset_index(drop=True)
    long = detect_long(shuffled)
    assert long is not None and long.ids == ("sample",)
    found = propose(shuffled, long)
    assert set(found.columns.models) == {"a", "b"} and len(found.frame) == 40
    assert np.allclose(found.frame["b"] - found.frame["a"], 1)
    assert "one row per sample and method, matched by sample" in found.columns.summary
    unnamed = detect_long(frame.drop(columns="sample"))
    assert unnamed is not None and unnamed.ids == ()
    assert detect_long(shuffled.drop(columns="sample")) is None  # nothing matches the rows


def test_a_combination_of_columns_can_identify_a_sample():
    frame = long_table()
    frame["fold"], frame["row"] = frame["sample"] // 8, frame["sample"] % 8
    frame = frame.drop(columns="sample").sample(frac=1, random_state=0)
    long = detect_long(frame)
    assert long is not None and set(long.ids) == {"fold", "row"}


def test_a_category_called_model_does_not_make_a_table_long():
    rng = np.random.default_rng(0)
    frame = table().rename(columns={"age": "y_true"}).drop(columns="pred_poor")
    frame["model"] = rng.choice(["sedan", "estate", "van"], len(frame))
    assert detect_long(frame) is None and detect(frame).models == ("pred_good",)
    # Zeros in most rows agree in any order.
    frame["model"] = np.repeat(["sedan", "van"], len(frame) // 2)
    frame["y_true"] = np.where(rng.random(len(frame)) < 0.05, frame["y_true"], 0.0)
    assert detect_long(frame) is None


def test_two_columns_of_predictions_are_one_per_model():
    frame = long_table().rename(columns={"pred": "pred_1"}).assign(pred_2=1.0)
    assert detect_long(frame.assign(pred_2=frame["pred_1"] + 1)) is None


def test_each_model_of_a_long_table_has_its_interval():
    frame = long_table()
    frame["pred_lower"], frame["pred_upper"] = frame["pred"] - 1, frame["pred"] + 2
    found = propose(frame, detect_long(frame))
    assert [i.columns for i in found.columns.intervals] == [
        ("a_pred_lower", "a_pred_upper"),
        ("b_pred_lower", "b_pred_upper"),
    ]
    assert np.allclose(found.frame["b_pred_upper"] - found.frame["b"], 2)
    assert list(found.intervals("y_true", ["b"])) == ["b"]


def test_the_roles_of_a_long_table_can_be_given():
    frame = long_table().rename(columns={"method": "who", "sample": "number"})
    assert detect_long(frame) is None
    found = long_columns(frame, "who", ids=["number"])
    assert (found.target, found.prediction, found.ids) == ("y_true", "pred", ("number",))
    assert propose(frame, found).columns.models == ("a", "b")
    with pytest.raises(TableError, match="no column 'none'"):
        long_columns(frame, "none")


def test_training_targets_of_another_file():
    frame = pd.DataFrame({"age": [1.0, np.nan, 3.0], "note": ["a", "b", "c"]})
    found = training_targets(frame, "train.csv", "age")
    assert found.name == "age of train.csv" and np.isnan(found.values).tolist() == [0, 1, 0]
    with pytest.raises(TableError, match=r"train\.csv needs a column called y"):
        training_targets(pd.DataFrame({"a": [1.0], "b": [2.0]}), "train.csv", "y")
    with pytest.raises(TableError, match="no finite number in the column y"):
        training_targets(pd.DataFrame({"y": [np.nan, np.inf]}), "train.csv", "y")
