"""Lab page without a browser: presets, addresses, buttons and changes during a run."""

from __future__ import annotations

import json
import time

import pytest
from streamlit.testing.v1 import AppTest
from streamlit.testing.v1.element_tree import Button

from pages.components import lab_results
from regcls.formats import fixed
from regcls.lab.pace import DRAWING
from regcls.lab.run import Lab
from regcls.lab.settings import PRESETS
from tests.helpers.app_page import imported_by, opened, query_of, text_of

SMALL = {"samples": "3000", "batch": "128", "repeats": "2", "epochs": "2"}


def button(page: AppTest, label: str) -> Button:
    return next(b for b in page.button if b.label == label)


def run_of(page: AppTest) -> Lab | None:
    return page.session_state["lab"].run


def verdicts_of(page: AppTest) -> list[str]:
    """Return the text of both verdicts."""
    return [m.value for m in page.markdown if m.value.startswith("Test MSE")]


def progress_of(page: AppTest) -> str:
    """Return how far the run is, in words."""
    (bar,) = page.get("progress")
    return bar.proto.text


def titles_of(page: AppTest) -> list[str]:
    """Return the titles of the charts, in the order of the page."""
    titles = [json.loads(chart.proto.spec)["title"] for chart in page.get("vega_lite_chart")]
    return [title if isinstance(title, str) else title["text"] for title in titles]


@pytest.mark.parametrize("name", PRESETS)
def test_preset_sets_the_address_and_describes_itself(name):
    page = opened("lab").selectbox(key="lab_preset").select(name).run()
    assert not page.exception
    assert query_of(page) == PRESETS[name][0].to_query()
    assert any(name in caption.value for caption in page.caption)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_trains(name):
    page = opened("lab").selectbox(key="lab_preset").select(name).run()
    page.number_input(key="lab_samples").set_value(3 * 1024)
    page.number_input(key="lab_repeats").set_value(2)
    page.number_input(key="lab_epochs").set_value(2).run()
    button(page, "Train one epoch").click().run()
    assert not page.exception
    assert run_of(page).epoch == 1
    assert progress_of(page).startswith("Epoch 1 of 2")


def test_address_sets_the_widgets():
    page = opened("lab", sampling="mild", repeats="3", hidden="5-7", scenario="noisy")
    assert page.selectbox(key="lab_sampling").value == "mild"
    assert page.number_input(key="lab_repeats").value == 3
    assert page.text_input(key="lab_hidden").value == "5-7"
    assert page.number_input(key="lab_weight").value == 1000.0
    assert not page.warning


def test_invalid_parameters_are_reported_and_ignored():
    page = opened("lab", repeats="many", colour="red")
    assert not page.exception
    assert [w.value for w in page.warning if "repeats" in w.value or "colour" in w.value]
    assert page.number_input(key="lab_repeats").value == 10
    assert query_of(page) == {}


# Before a run


@pytest.mark.parametrize(
    ("repeats", "epochs", "words"),
    [
        (1, 1, "Training 1 network of each kind for 1 epoch takes about"),
        (3, 80, "Training 3 networks of each kind for 80 epochs takes about"),
    ],
)
def test_before_a_run_the_page_counts_and_estimates(repeats, epochs, words):
    page = opened("lab", repeats=str(repeats), epochs=str(epochs))
    assert words in text_of(page)
    assert progress_of(page).startswith("About ")
    assert titles_of(page) == ["Function and predictions, run 1"]


def test_estimates_are_corrected_by_what_a_run_took():
    page = opened("lab", **{**SMALL, "epochs": "50"})
    button(page, "Play").click().run()
    while page.session_state["lab"].playing:
        page.run()
    pace = page.session_state["lab"].pace
    assert pace.ratio != DRAWING
    pace.ratio = 100_000  # a slow machine
    button(page, "Reset").click().run()
    assert progress_of(page).endswith("min")
    assert "min here, drawing included" in text_of(page)


def test_the_button_that_starts_a_run_has_one_name():
    """No text names a button that is called otherwise, however long the run."""
    for query in ({}, {"repeats": "50", "classes": "1024", "epochs": "1000"}):
        page = opened("lab", **query)
        assert button(page, "Play") and "Press" not in text_of(page)


def test_long_and_large_runs_are_announced():
    slow = opened("lab", classes="1024", repeats="50")
    assert "min on two idle cores" in slow.warning[0].value
    assert "Fewer repeats" in slow.warning[0].value
    assert not button(slow, "Play").disabled
    large = opened(
        "lab", samples="300000", repeats="50", batch="4096", classes="1024", hidden="256-256"
    )
    assert "memory" in large.warning[0].value
    assert button(large, "Play").disabled


def test_page_opens_without_torch():
    assert imported_by("lab", ("torch",)) == []


# A run


def test_play_runs_to_the_end_and_stops():
    page = opened("lab", **SMALL)
    button(page, "Play").click().run()
    while page.session_state["lab"].playing:  # each run of the script trains for a slice of time
        page.run()
        assert not page.exception
    assert run_of(page).done
    assert progress_of(page) == "Epoch 2 of 2, finished"
    assert button(page, "Play").disabled


def test_a_run_goes_on_where_drawing_takes_longer_than_a_turn(monkeypatch):
    clock, drawn = time.monotonic, []
    picture = lab_results.prediction_picture
    monkeypatch.setattr(
        lab_results, "prediction_picture", lambda *a: drawn.append(a) or picture(*a)
    )
    monkeypatch.setattr(time, "monotonic", lambda: clock() + 10 * len(drawn))
    page = opened("lab", **{**SMALL, "epochs": "200", "samples": "30000"})
    button(page, "Play").click().run()
    first = run_of(page).step
    page.run()
    assert 0 < first < run_of(page).step


def test_a_paused_run_stays_where_it_is():
    page = opened("lab", **{**SMALL, "epochs": "200", "samples": "30000"})
    button(page, "Play").click().run()
    button(page, "Pause").click().run()
    step = run_of(page).step
    page.run()
    assert run_of(page).step == step > 0


def test_a_change_during_a_run_starts_a_new_one():
    page = opened("lab", **{**SMALL, "epochs": "1000"})
    button(page, "Play").click().run()
    first = run_of(page)
    page.selectbox(key="lab_sampling").select("uniform").run()
    assert not page.exception
    assert run_of(page) is not first
    assert run_of(page).settings.sampling == "uniform"
    page.selectbox(key="lab_function").select(0).run()
    page.selectbox(key="lab_sampling").select("own").run()
    page.selectbox(key="lab_scenario").select("ood").run()
    assert not page.exception
    assert run_of(page).settings.weight == 10000.0


def test_reset_discards_the_run():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    button(page, "Reset").click().run()
    assert run_of(page) is None


def test_a_diverged_run_stops_and_says_why():
    page = opened("lab", **SMALL, optimiser="sgd", lr="1", weight="1000000")
    button(page, "Train one epoch").click().run()
    assert not page.exception
    assert all("Training diverged" in text for text in verdicts_of(page))
    assert button(page, "Play").disabled and not button(page, "Reset").disabled


def test_invalid_settings_are_reported_in_a_sentence():
    page = opened("lab", **SMALL)
    page.text_input(key="lab_hidden").set_value("six").run()
    assert not page.exception
    assert "layer sizes such as 6-15" in page.error[0].value


# What is shown


def test_verdicts_are_provisional_until_the_end():
    page = opened("lab", **{**SMALL, "repeats": "6"})
    assert all("No verdict" in text for text in verdicts_of(page))
    button(page, "Train one epoch").click().run()
    first = verdicts_of(page)
    assert len(first) == 2 and all("so far**" in text for text in first)
    button(page, "Train one epoch").click().run()
    assert not any("so far" in text for text in verdicts_of(page))


def test_one_run_is_shown_at_first_and_all_can_be():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    charts = (
        "Function and predictions",
        "Test error over epochs",
        "Error per target range",
        "Class probabilities",
    )
    for choice, of in (("Run 1", "run 1"), ("Run 2", "run 2"), ("All runs", "all runs")):
        page.selectbox(key="lab_shown").select(choice).run()
        assert titles_of(page) == [f"{chart}, {of}" for chart in charts]


def test_a_chosen_run_switches_the_error_curve_and_the_verdict_is_labelled():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    page.selectbox(key="lab_shown").select("Run 2").run()
    run = run_of(page)
    for i, text in enumerate(verdicts_of(page)):
        difference = run.test_mse[2] - run.test_mse[i]
        assert "of all 2 runs" in text
        assert f"run 2: {fixed(difference[1], 3, signed=True)}" in text
    page.selectbox(key="lab_shown").select("All runs").run()
    assert not any("run 2" in text for text in verdicts_of(page))


def test_a_run_that_no_longer_exists_is_not_shown():
    page = opened("lab", **{**SMALL, "repeats": "3"})
    page.selectbox(key="lab_shown").select("Run 3").run()
    page.number_input(key="lab_repeats").set_value(2).run()
    button(page, "Train one epoch").click().run()
    assert not page.exception
    assert titles_of(page)[0].endswith(("run 1", "run 2"))


def test_one_run_with_absolute_targets():
    page = opened("lab", **SMALL)
    button(page, "Train one epoch").click().run()
    page.selectbox(key="lab_shown").select("Run 2").run()
    assert not page.exception
    page.button_group(key="lab_axis").select("Absolute").run()
    assert not page.exception


def test_a_redraw_sends_the_same_charts_with_other_data():
    """Streamlit builds a chart anew, and it blinks, if its specification or its text changes."""
    page = opened("lab", **{**SMALL, "epochs": "4"})
    button(page, "Train one epoch").click().run()

    def drawn() -> list[tuple[str, str]]:
        charts = page.get("vega_lite_chart")
        return [(chart.proto.spec, chart.proto.alt) for chart in charts]

    first = drawn()
    button(page, "Train one epoch").click().run()
    assert drawn() == first and len(first) == 4


def test_settings_are_folded_and_play_comes_first():
    page = opened("lab")
    assert not any(e.proto.expanded for e in page.sidebar.expander)
    assert page.main.button[0].label == "Play"
