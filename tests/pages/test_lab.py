"""The Lab page without a browser: presets, addresses, buttons, changes during a run."""

import pytest
from streamlit.testing.v1 import AppTest

from regcls.lab.settings import PRESETS
from tests.helpers.app_page import imported_by, opened, query_of

SMALL = {"samples": "3000", "batch": "128", "repeats": "2", "epochs": "2"}


def button(page: AppTest, label: str):
    return next(b for b in page.button if b.label == label)


@pytest.mark.parametrize("name", PRESETS)
def test_preset_sets_the_address_and_says_what_it_shows(name):
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
    button(page, "One epoch").click().run()
    assert not page.exception
    assert page.session_state["lab"].epoch == 1
    assert any("Verdict after 1" in s.value for s in page.subheader)


def test_address_sets_the_widgets():
    page = opened("lab", sampling="mild", repeats="3", hidden="5-7", scenario="noisy")
    assert page.selectbox(key="lab_sampling").value == "mild"
    assert page.number_input(key="lab_repeats").value == 3
    assert page.text_input(key="lab_hidden").value == "5-7"
    assert page.number_input(key="lab_weight").value == 1000.0
    assert not page.warning


def test_bad_address_is_a_kind_message():
    page = opened("lab", repeats="many", colour="red")
    assert not page.exception
    assert [w.value for w in page.warning if "repeats" in w.value or "colour" in w.value]
    assert page.number_input(key="lab_repeats").value == 10
    assert query_of(page) == {}


def test_play_runs_to_the_end_and_stops():
    page = opened("lab", **SMALL)
    button(page, "Play").click().run()
    assert not page.exception
    assert page.session_state["lab"].done
    assert page.session_state["lab_playing"] is False


def test_pause_holds():
    page = opened("lab", **{**SMALL, "epochs": "200", "samples": "30000"})
    button(page, "Play").click().run()
    button(page, "Pause").click().run()
    step = page.session_state["lab"].step
    page.run()
    assert page.session_state["lab"].step == step > 0


def test_change_during_a_run_starts_anew():
    page = opened("lab", **{**SMALL, "epochs": "1000"})
    button(page, "Play").click().run()
    first = page.session_state["lab"]
    page.selectbox(key="lab_sampling").select("uniform").run()
    assert not page.exception
    assert page.session_state["lab"] is not first
    assert page.session_state["lab"].settings.sampling == "uniform"
    page.selectbox(key="lab_function").select(0).run()
    page.selectbox(key="lab_sampling").select("own").run()
    page.selectbox(key="lab_scenario").select("ood").run()
    assert not page.exception
    assert page.session_state["lab"].settings.weight == 10000.0


def test_reset_forgets_the_run():
    page = opened("lab", **SMALL)
    button(page, "One epoch").click().run()
    button(page, "Reset").click().run()
    assert "lab" not in page.session_state


def test_one_run_and_the_ranges_as_they_are():
    page = opened("lab", **SMALL)
    button(page, "One epoch").click().run()
    page.selectbox(key="lab_shown").select("Run 2").run()
    assert not page.exception


def test_settings_that_do_not_work_are_a_sentence():
    page = opened("lab", **SMALL)
    page.text_input(key="lab_hidden").set_value("six").run()
    assert not page.exception
    assert "layer sizes such as 6-15" in page.error[0].value


def test_slow_and_large_settings_say_so_first():
    slow = opened("lab", classes="1024", repeats="50")
    assert "minute" in slow.warning[0].value
    assert button(slow, "Start anyway")
    large = opened(
        "lab", samples="300000", repeats="50", batch="4096", classes="1024", hidden="256-256"
    )
    assert "memory" in large.warning[0].value
    assert next(b for b in large.button if b.icon and "play" in b.icon).disabled


def test_page_opens_without_torch():
    assert imported_by("lab", ("torch",)) == []
