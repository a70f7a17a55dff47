"""Home: the question, one interactive chart, a tour and links to all pages."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import streamlit as st

from pages.components import charts
from regcls.plotting.chart import from_chart
from regcls.synthetic.data import SAMPLINGS
from regcls.synthetic.preview import preview, preview_chart

CHART_HEIGHT = 400  # pixels, with title, legend and axis


@dataclass(frozen=True)
class Step:
    """A step of the tour: a page, opened with a query."""

    page: str
    title: str
    text: str
    query: dict[str, str] = field(default_factory=dict)


TOUR = (
    Step(
        "lab",
        "Watch it happen",
        "Press **Play**. Where training targets are rare, *reg* (orange) misses the grey function "
        "and *reg+cls* (blue) stays closer. The *control* (green) shows how much of this is due to "
        "the loss scale alone.",
        {"lr": "0.003", "epochs": "40"},
    ),
    Step(
        "progress",
        "See it on real data",
        "Two networks estimate from a video how much of a robot's task is done. Both have large "
        "errors in the last fifth of the task, which is rare in their training data.",
        {"sample": "banana"},
    ),
    Step(
        "predictions",
        "Check your own model",
        "Choose an example, or upload targets and predictions of any model. The report shows the "
        "errors per target range with confidence intervals.",
    ),
)
PAGES = {
    "lab": ("Lab", "experiment", "Train many small networks on a 1D function, live."),
    "study": ("Study", "grid_on", "Grids of experiments: when does it help, and by how much?"),
    "theory": ("Theory", "functions", "What imbalance adds to the loss, computed exactly."),
    "age": ("Age", "face", "Estimate ages from faces, with prediction intervals."),
    "depth": ("Depth", "chair", "Estimate depth in metres from a photo of a room."),
    "progress": ("Progress", "movie", "Estimate how much of an activity in a video is done."),
    "predictions": ("Your predictions", "fact_check", "Errors per target range of any model."),
    "table": ("Your table", "table_chart", "Compare methods for imbalance on your own data."),
    "models": ("Models", "deployed_code", "Model cards, speed, and your own ONNX models."),
}


def imbalance() -> None:
    """Show how the training targets of the 1D data are distributed."""
    sampling = st.select_slider(
        "Imbalance of the training data", options=SAMPLINGS, value="severe", key="home_sampling"
    )
    shown = preview(sampling)
    picture = from_chart(preview_chart(shown), "Training data per target range", shown.sentence)
    charts.draw(
        replace(picture, spec=picture.spec | {"height": CHART_HEIGHT}),
        name="imbalance",
        settings=f"Function 1, {sampling} sampling, 2,000 training points.",
    )


def tour() -> None:
    """Link to three pages; those visited in this session have a tick."""
    st.subheader("A three-minute tour", anchor=False)
    visited = st.session_state.get("visited", set())
    for number, (column, step) in enumerate(zip(st.columns(3), TOUR, strict=True), start=1):
        icon = "check_circle" if step.page in visited else f"counter_{number}"
        with column.container(border=True, height="stretch"):
            st.page_link(
                f"pages/{step.page}.py",
                label=f"**{number}. {step.title}**",
                query_params=step.query,
                icon=f":material/{icon}:",
            )
            st.markdown(step.text)


def all_pages() -> None:
    """Link to all pages, one card per page."""
    st.subheader("All pages", anchor=False)
    for start in range(0, len(PAGES), 3):
        for column, page in zip(st.columns(3), list(PAGES)[start : start + 3], strict=True):
            title, icon, text = PAGES[page]
            with column.container(border=True, height="stretch"):
                st.page_link(f"pages/{page}.py", label=f"**{title}**", icon=f":material/{icon}:")
                st.caption(text)


st.title("Does classification help regression?")
st.markdown(
    "Regression models trained on imbalanced data have large errors for **rare targets**. A known "
    "remedy is to train the same network to classify the target's *range* as well. Here you can see "
    "whether it helps, and where."
)
imbalance()
tour()
all_pages()
st.info(
    "**Why every comparison includes a control.** With a class head, the regression loss gets a "
    "much larger weight, and that alone can change the result. The control is *reg* with the same "
    "loss scale; it separates the effect of the classes from that of the scale.",
    icon=":material/balance:",
)
