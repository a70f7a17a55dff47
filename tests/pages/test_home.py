"""Home page: answer, replay, tour and links follow the results, the address and the slider."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from pages import SECTIONS
from pages.components import tour
from regcls.io import video
from regcls.lab import replay
from regcls.lab.settings import LabSettings
from regcls.study import answer
from regcls.synthetic.data import SAMPLINGS
from regcls.tasks.progress import predict
from tests.helpers.app_page import html, query_of, ran, text_of

APP = str(Path(__file__).resolve().parents[2] / "app.py")
PAGES = [page for pages in SECTIONS.values() for page, *_ in pages]


def home_at(**query: str) -> AppTest:
    page = AppTest.from_file(APP, default_timeout=300)
    for name, value in query.items():
        page.query_params[name] = value
    return ran(page.run())


@pytest.fixture
def home() -> AppTest:
    return home_at()


def links(page: AppTest) -> dict[str, dict[str, str]]:
    """The page's links: their queries by label."""
    return {link.proto.label: query_in(link.proto.query_string) for link in page.get("page_link")}


def query_in(text: str) -> dict[str, str]:
    return dict(part.split("=", 1) for part in text.split("&") if part)


def recording(page: AppTest) -> dict:
    (component,) = page.get("bidi_component")
    return json.loads(component.proto.json)


def choose(page: AppTest, sampling: str) -> AppTest:
    return ran(page.select_slider(key="home_sampling").set_value(sampling).run())


def test_home_is_the_first_page(home):
    assert home.title[0].value == "Does classification help regression?"


# The answer


def test_the_answer_comes_first(home):
    found = answer.findings()
    assert home.main.markdown[0].value == answer.sentence(found)
    for finding in found:
        ratio, _, interval = finding.compared.label.partition(" ")
        assert ratio in html(home) and interval in html(home)
        assert f"**{finding.words}.**" in text_of(home)


def test_each_tile_leads_to_its_comparison_in_the_study(home):
    queries = [
        query_in(link.proto.query_string)
        for link in home.get("page_link")
        if link.proto.label == "See it in the Study"
    ]
    assert queries == [finding.query for finding in answer.findings()]


# The replay


@pytest.mark.parametrize("sampling", SAMPLINGS)
def test_the_slider_changes_replay_caption_address_and_link(home, sampling):
    choose(home, sampling)
    shown = replay.load(sampling)
    assert recording(home)["frames"] == shown.frames
    assert any(shown.caption in caption.value for caption in home.caption)
    assert query_of(home) == ({} if sampling == "severe" else {"sampling": sampling})
    settings, messages = LabSettings.from_query(links(home)["Open in the Lab"])
    assert settings == shown.settings and messages == []


def test_the_address_chooses_the_sampling():
    home = home_at(sampling="mild")
    assert home.select_slider(key="home_sampling").value == "mild"
    assert recording(home)["frames"] == replay.load("mild").frames


def test_an_unknown_sampling_in_the_address_is_reported():
    home = home_at(sampling="brutal")
    assert "brutal" in home.toast[0].value
    assert home.select_slider(key="home_sampling").value == "severe"


def test_the_choice_is_kept_while_other_pages_are_open(home):
    choose(home, "moderate")
    ran(home.switch_page("pages/theory.py").run())
    ran(home.switch_page("pages/home.py").run())
    assert home.select_slider(key="home_sampling").value == "moderate"


OPEN_HOME = """
import sys
from streamlit.testing.v1 import AppTest
assert not AppTest.from_file("app.py", default_timeout=300).run().exception
print(sorted({"torch", "onnxruntime", "scipy", "sklearn"} & set(sys.modules)))
"""


def test_opening_home_computes_nothing():
    """The answer is read from summaries, the replay from its recording."""
    run = [sys.executable, "-c", OPEN_HOME]
    done = subprocess.run(run, cwd=Path(APP).parent, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "[]"


# The tour


def step(page: AppTest, name: str) -> AppTest:
    return ran(page.button(key=f"tour_{name}").click().run())


def test_the_tour_carries_the_sampling_into_the_lab(home):
    choose(home, "mild")
    step(home, "lab")
    assert home.title[0].value == "Lab"
    settings, messages = LabSettings.from_query(query_of(home))
    assert settings == replay.load("mild").settings and messages == []


def test_the_strip_appears_during_a_tour_only(home):
    assert "tour" not in home.session_state
    step(home, "lab")
    assert home.session_state["tour"] == "severe"


def test_study_step_says_what_the_results_say():
    (found,) = (f.compared for f in answer.findings() if f.compared.against == "control")
    text = tour.steps("severe")[1].text
    assert f"{found.count(answer.BETTER)} of {found.counted} settings" in text


def test_progress_step_holds_for_its_sample():
    """Both models have large errors in the last fifth of the video, and smaller ones before."""
    named = tour.steps("severe")[2].query["sample"]
    sample = next(s for s in predict.SHIPPED_SAMPLES if s.key == named)
    source = video.open_video(sample.read(), sample.title)
    curve = predict.curve_from(source, list(predict.predict_frames(source, predict.load(), 60)))
    late = curve.truth > 80
    for progress in curve.progress.values():
        error = np.abs(progress - curve.truth)
        assert error[late].mean() > 25 > 2 * error[~late].mean()


# All pages


def test_home_links_to_all_pages(home):
    assert set(PAGES) - {"home"} <= {link.proto.page for link in home.get("page_link")}
