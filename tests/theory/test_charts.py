"""Charts of the theory's terms."""

from __future__ import annotations

from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms


def test_one_line_per_term_over_the_training_data():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    picture = theory_charts.per_range(table, "Regression")
    assert set(picture.data["terms"]["term"]) == {"balanced", "imbalanced", "gap"}
    assert len(picture.data["training"]) == len(table)
    assert picture.svg().startswith(b"<svg")


def classes_table(s: float, classes: int):
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, s, 0.1)
    losses = {}
    for kind in theory_charts.KINDS:
        edges, priors = terms.class_priors(case, kind, classes)
        losses[kind] = terms.classification(case, edges, priors)
    return terms.per_range(case, losses)


def test_bins_are_drawn_against_both_references():
    picture = theory_charts.by_bins(classes_table(0.03, 16))
    series = picture.data["terms"]["series"].unique().tolist()
    assert len(series) == 4
    assert {"equalized, vs flat priors", "equalized, vs uniform y"} < set(series)
    svg = picture.svg().decode()
    assert all(name in svg for name in series)  # in the legend
    assert picture.caption == (
        "Equalized bins leave 4 of 16 classes. Relative to flat priors over these classes, their "
        "gap is 0.00 nats; relative to uniform y, up to 1.65 nats remain at single targets."
    )


def test_the_caption_has_the_mean_gap_at_rare_targets_and_the_role():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.03, 0.1)
    loss = terms.regression(case)
    table = terms.per_range(case, {"regression": loss})
    rare = case.density.at(case.y) < 1
    caption = theory_charts.per_range(table, "Regression", case.role).caption
    assert f"adds {loss.gap[rare].mean():.2f} nats" in caption
    assert f"−{-loss.gap[~rare].mean():.2f} nats in the training peak" in caption
    assert caption.endswith(case.role)


def test_uniform_targets_are_named_as_such():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 1.0, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    assert theory_charts.gap_text(table) == "The training targets are uniform, so the gap is zero."
    assert "no gap" in theory_charts.noise_text(terms.by_noise(synthetic_data.FUNCTIONS[0], 0, 1.0))
