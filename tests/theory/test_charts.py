"""Charts of the theory's terms."""

from __future__ import annotations

import colorsys

import pytest

from regcls.plotting import style
from regcls.study import effect_chart
from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms
from tests.helpers import svg_figures

FUNCTION = synthetic_data.FUNCTIONS[0]


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


def test_no_axis_magnifies_rounding_errors():
    """At uniform sampling, gaps of 1e-16 once filled the chart."""
    table = classes_table(1.0, 16)
    assert 0 < table["gap"].abs().max() < 1e-9 or not table["gap"].any()
    picture = theory_charts.by_bins(table)
    assert not picture.data["terms"]["nats"].any()
    assert nats_axis(picture) == [0, 1]


def nats_axis(picture) -> list[float]:
    """Return the ends of the axis of the terms."""
    (lines,) = [part for part in picture.spec["layer"] if "layer" in part]
    return lines["layer"][0]["encoding"]["y"]["scale"]["domain"]


def test_the_axis_of_the_terms_has_whole_nats_that_cover_the_data():
    picture = theory_charts.by_bins(classes_table(0.03, 16))
    nats, (low, high) = picture.data["terms"]["nats"], nats_axis(picture)
    assert low <= nats.min() and nats.max() <= high
    assert low == int(low) and high == int(high)


@pytest.mark.parametrize("s", [1.0, 0.03])
def test_a_peak_is_described_only_where_there_is_one(s):
    table = terms.by_imbalance(synthetic_data.FUNCTIONS[0], 0, 0.1)
    caption = theory_charts.over_imbalance(table, s).caption
    settings = theory_charts.settings_text(1, 0, s, "ideal", 0.1)
    assert ("The chosen targets are uniform, without a peak" in caption) == (s == 1)
    assert ("the chosen s" in caption) == (s < 1)
    assert ("uniform training targets" in settings) == (s == 1)
    assert ("peak" in settings) == (s < 1)


def test_narrow_peaks_are_on_the_right_as_on_the_slider():
    picture = theory_charts.over_imbalance(terms.by_imbalance(FUNCTION, 0, 0.1), 0.1)
    figure = svg_figures.read(picture.svg())
    (axis,) = [axis for axis in figure.charts[0].axes if axis.orient == "X"]
    assert axis.pixel(0.02) > axis.pixel(1.0)
    assert list(terms.WIDTHS) == sorted(terms.WIDTHS, reverse=True)  # the slider's, left to right


@pytest.mark.parametrize("picture", ["per_range", "by_bins", "over_imbalance"])
def test_legend_symbols_are_lines(picture):
    """Dashed outlines of circles looked like blobs."""
    case = terms.ideal_case(FUNCTION, 0, 0.03, 0.1)
    drawn = {
        "per_range": lambda: theory_charts.per_range(
            terms.per_range(case, {"regression": terms.regression(case)}), "Regression"
        ),
        "by_bins": lambda: theory_charts.by_bins(classes_table(0.03, 16)),
        "over_imbalance": lambda: theory_charts.over_imbalance(
            terms.by_imbalance(FUNCTION, 0, 0.1), 0.1
        ),
    }[picture]()
    legend = svg_figures.read(drawn.svg()).legend
    assert len(legend) >= 3
    assert all(entry.outline == "ML" for entry in legend)


@pytest.mark.parametrize("dark", [False, True])
def test_the_terms_of_the_formula_have_the_hues_of_their_curves(dark):
    background = 0.0 if dark else 1.0
    if dark:
        background = luminance(style.DARK.background)
    for term, (_, curve, _) in theory_charts.TERMS.items():
        colour = theory_charts.TEXT_COLOURS[term][dark]
        assert f"\\textcolor{{{colour}}}" in theory_charts.formula(dark)
        ends = sorted((luminance(colour), background))
        assert (ends[1] + 0.05) / (ends[0] + 0.05) >= 4.5
        assert abs(hue(colour) - hue(curve)) < 0.06


def luminance(colour: str) -> float:
    return effect_chart.luminance(tuple(int(colour[i : i + 2], 16) for i in (1, 3, 5)))


def hue(colour: str) -> float:
    return colorsys.rgb_to_hls(*(int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)))[0]


def test_uniform_targets_are_named_as_such():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 1.0, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    assert theory_charts.gap_text(table) == "The training targets are uniform, so the gap is zero."
    assert "no gap" in theory_charts.noise_text(terms.by_noise(synthetic_data.FUNCTIONS[0], 0, 1.0))
