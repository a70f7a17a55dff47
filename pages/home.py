"""Home: the answer, a replay of three models learning one function, a tour and all pages."""

from __future__ import annotations

import html
import math
from typing import TYPE_CHECKING

import streamlit as st

from pages import SECTIONS
from pages.components import charts, replay, tour, url_state
from regcls.lab import replay as recordings
from regcls.plotting.style import COLOURS, FUNCTION_COLOUR
from regcls.stats.verdicts import BETTER, WORSE
from regcls.study import answer
from regcls.synthetic.data import SAMPLINGS

if TYPE_CHECKING:
    from regcls.plotting.chart import Picture

SAMPLING = "home_sampling"  # key of the slider
LAST = "home_last_sampling"  # in the session's state: the slider's value, kept between visits
TEXTS = {
    "lab": "Train many small networks on a 1D function, live.",
    "theory": "What imbalance adds to the loss, computed exactly.",
    "study": "Grids of experiments: when does it help, and by how much?",
    "age": "Estimate ages from faces, with prediction intervals.",
    "depth": "Estimate depth in metres from a photo of a room.",
    "progress": "Estimate how much of an activity in a video is done.",
    "models": "Model cards, speed, and your own ONNX models.",
    "predictions": "Errors per target range of any model.",
    "table": "Compare methods for imbalance on your own data.",
}
PAGES_CSS = """<style>@media (max-width: 640px) {
  .st-key-home_pages [data-testid="stElementContainer"]:has([data-testid="stCaptionContainer"])
    { display: none; }
}</style>"""
# The interval of a tile stands on a scale of ratios, with a line at 1, where there is no difference.
SCALE = (0.6, 1.2)
COLOUR = {BETTER: COLOURS["reg+cls"], WORSE: COLOURS["reg"]}
TILE = """<div>{title}</div>
<div style="font-size:1.5rem;font-weight:700;line-height:1.25">× {ratio}
<span style="font-size:.95rem;font-weight:400;white-space:nowrap">{interval}</span></div>
<div aria-hidden="true" style="position:relative;height:20px;margin-top:.2rem">
<div style="{bar}left:0;width:100%;top:9px;height:2px;background:currentColor;opacity:.18"></div>
<div style="{bar}left:{one:.1f}%;width:2px;top:0;height:20px;background:currentColor;opacity:.55"></div>
<div style="{bar}left:{low:.1f}%;width:{width:.1f}%;top:7px;height:6px;background:{colour}"></div>
<div style="{bar}left:{at:.1f}%;width:4px;top:2px;height:16px;margin-left:-2px;background:{colour}"></div>
</div>"""


def tiles(found: tuple[answer.Finding, ...]) -> None:
    """Draw one tile per comparison: ratio, interval, verdict and the way to it in the Study."""
    for column, finding in zip(st.columns(len(found)), found, strict=True):
        with column.container(border=True, height="stretch", gap="xxsmall", key=tile_key(finding)):
            st.html(tile(finding))
            st.markdown(f"**{finding.words}.** {finding.note}")
            st.page_link(
                "pages/study.py",
                label="See it in the Study",
                icon=":material/grid_on:",
                query_params=finding.query,
            )


def tile_key(finding: answer.Finding) -> str:
    """Return the key of a tile, by what reg+cls is compared with."""
    return f"home_tile_{finding.compared.against}"


def tile(finding: answer.Finding) -> str:
    """Return a ratio with its interval as HTML, as numbers and as a bar."""
    compared = finding.compared
    ratio, _, interval = compared.label.partition(" ")
    low, high, at, one = map(place, (compared.low, compared.high, compared.ratio, 1.0))
    return TILE.format(
        title=html.escape(finding.title),
        ratio=ratio,
        interval=interval,
        bar="position:absolute;",
        colour=COLOUR.get(compared.verdict, FUNCTION_COLOUR),
        low=low,
        width=high - low,
        at=at,
        one=one,
    )


def place(ratio: float) -> float:
    """Return the place of a ratio on the scale, in percent of its width."""
    if math.isnan(ratio):
        return 0.0
    start, end = SCALE
    return 100 * min(max((ratio - start) / (end - start), 0), 1)


def choose_sampling() -> str:
    """Draw the slider; it starts with the address, else with the last choice."""
    if SAMPLING not in st.session_state:
        last = st.session_state.get(LAST, "severe")
        st.session_state[SAMPLING] = url_state.choice("sampling", SAMPLINGS, last)
    sampling = st.select_slider(
        "Sampling of the training targets: how imbalanced they are", SAMPLINGS, key=SAMPLING
    )
    st.session_state[LAST] = sampling
    url_state.write({"sampling": sampling}, {"sampling": "severe"})
    return sampling


def last_frame(shown: recordings.Replay) -> Picture:
    """Return the chart of the last frame for a file; what draws it is loaded when it is needed."""
    from regcls.lab.replay_chart import last_frame

    return last_frame(shown)


def training() -> str:
    """Draw the replay with the slider below it; return the sampling chosen."""
    above = st.container()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        sampling = choose_sampling()
        shown = recordings.load(sampling)
        st.page_link(
            "pages/lab.py",
            label="Open in the Lab",
            icon=":material/experiment:",
            query_params=shown.settings.to_query(),
        )
        with st.popover("Save chart", icon=":material/download:", key="save_replay"):
            charts.files(lambda: last_frame(shown), f"replay-{sampling}")
    with above:
        replay.replay(shown, key="home_replay")
    function = f"Function {shown.settings.function}, {sampling} sampling"
    st.caption(f"{function}. {shown.caption} {shown.choice}")
    return sampling


def all_pages() -> None:
    """Link to all pages, by the sections of the menu; narrow screens have the links alone."""
    st.header("All pages", anchor=False)
    with st.container(key="home_pages"):
        st.html(PAGES_CSS)
        columns = st.columns(len(SECTIONS))
    for column, (section, pages) in zip(columns, SECTIONS.items(), strict=True):
        with column.container(gap="xxsmall"):
            st.markdown(f"**{section}**")
            for page, title, icon in pages:
                if page != "home":
                    link = f"pages/{page}.py"
                    st.page_link(link, label=title, icon=f":material/{icon}:")
                    st.caption(TEXTS.get(page, ""))


st.title("Does classification help regression?", anchor=False)
found = answer.findings()
st.markdown(answer.sentence(found))
tiles(found)
st.caption(
    "Ratios of the test MSE of reg+cls to that of the other model, pooled over all settings, with "
    "95% intervals; below 1, reg+cls is better."
)
sampling = training()
st.header("A three-minute tour", anchor=False)
tour.cards(sampling)
st.info(
    "**Why every comparison includes a control.** With a class head, the regression loss gets a "
    "much larger weight, and that alone can change the result. The control is *reg* with the same "
    "loss scale; it separates the effect of the classes from that of the scale.",
    icon=":material/balance:",
)
all_pages()
