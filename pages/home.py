"""Home: the question, one live picture, and the way to each page."""

import streamlit as st

from regcls.synthetic.data import SAMPLINGS
from regcls.synthetic.preview import preview, preview_chart

st.title("Does classification help regression?")
st.markdown(
    "Learn a number from uneven data, and **rare targets suffer**. A known trick: also ask the "
    "network *which range* the number falls in, and learn both. Here you can watch whether it "
    "helps, and where."
)

sampling = st.select_slider(
    "How uneven is the training data?", options=SAMPLINGS, value="severe", key="home_sampling"
)
shown = preview(sampling)
st.altair_chart(preview_chart(shown), width="stretch")
st.caption(shown.sentence)

TOUR = (
    (
        "lab",
        "Watch it happen",
        "Press **Play**. Orange (*reg*) leaves the grey function where training targets are rare; "
        "blue (*reg+cls*) stays closer. Then look at green, the control: how much of the help is "
        "the classes', and how much the loss scale's?",
        {"lr": "0.003", "epochs": "40"},
    ),
    (
        "progress",
        "See it on real data",
        "Two networks watch a robot and say how much of its task is done. Both lose their way in "
        "the last fifth, of which training had the least; the chart below the video shows it.",
        {"sample": "banana"},
    ),
    (
        "predictions",
        "Try it on yours",
        "Click an example, or upload truths and predictions of any model: the errors per range, "
        "with intervals, and what they say in words.",
        {},
    ),
)
PAGES = {
    "lab": ("Lab", "experiment", "Train many small networks on this function, live."),
    "study": ("Study", "grid_on", "Whole grids: when it helps, by how much, and against what."),
    "theory": ("Theory", "functions", "What imbalance adds to a loss, exactly."),
    "age": ("Age", "face", "Faces in your photos, and the error to expect."),
    "depth": ("Depth", "chair", "Metres in a photo of a room."),
    "progress": ("Progress", "movie", "How much of an activity a video has shown."),
    "predictions": ("Your predictions", "fact_check", "Errors per range of any model."),
    "table": ("Your table", "table_chart", "Does it help on your own features?"),
    "models": ("Models", "deployed_code", "Every card, and a pair of your own."),
}


def tour() -> None:
    """Three steps; one that was taken in this session has a tick."""
    st.subheader("A tour in three minutes", anchor=False)
    visited = st.session_state.get("visited", set())
    for number, (column, step) in enumerate(zip(st.columns(3), TOUR, strict=True), start=1):
        page, title, text, query = step
        with column.container(border=True, height="stretch"):
            done = page in visited
            st.page_link(
                f"pages/{page}.py", label=f"**{number}. {title}**", query_params=query,
                icon=":material/check_circle:" if done else f":material/counter_{number}:",
            )  # fmt: skip
            st.markdown(text)


def everything() -> None:
    """A card a page."""
    st.subheader("Everything here", anchor=False)
    for start in range(0, len(PAGES), 3):
        for column, page in zip(st.columns(3), list(PAGES)[start : start + 3], strict=True):
            title, icon, text = PAGES[page]
            with column.container(border=True, height="stretch"):
                st.page_link(f"pages/{page}.py", label=f"**{title}**", icon=f":material/{icon}:")
                st.caption(text)


tour()
everything()

st.info(
    "**Why there is always a control.** Classification comes with a much larger weight on the "
    "regression loss, and that alone can change the result; so each comparison includes *reg with "
    "the loss scale matched*, which tells the two causes apart.",
    icon=":material/balance:",
)
