"""Lab: watch reg, its loss-scale control and reg+cls learn the same function, live."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING

import streamlit as st

from pages import through_app
from pages.components import charts, lab_controls, lab_results, url_state
from regcls.exceptions import UserError
from regcls.lab import charts as lab_charts
from regcls.lab import cost as lab_cost
from regcls.lab import data as lab_data
from regcls.lab import run as lab_run
from regcls.lab.cost import Estimate
from regcls.lab.settings import (
    PRESETS,
    LabSettings,
    parse_hidden,
)

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

through_app()

TICK_SECONDS = 0.05  # between two calls of ``live`` while a run plays
TURN_SECONDS = 1.5  # of training and drawing per call; the slow charts are drawn once per call
SLICE_SECONDS = 0.08  # of training between two drawings


@dataclass
class PageState:
    """What the page keeps between reruns, besides its widgets."""

    settings: LabSettings = field(default_factory=LabSettings)  # the last that were valid
    run: lab_run.Lab | None = None
    playing: bool = False
    one_epoch: bool = False  # whether to train one epoch on this rerun
    messages: list[str] = field(default_factory=list)  # about the address


def page_state() -> PageState:
    """Return the page's state in this session."""
    return st.session_state.setdefault("lab", PageState())


# Settings


def first_settings() -> None:
    """Set the widgets when the page opens: from the address, else to the last settings."""
    if lab_controls.key("seed") in st.session_state:
        return
    state = page_state()
    settings, state.messages = state.settings, []
    if query := url_state.query():
        settings, state.messages = LabSettings.from_query(query)
    stop()  # nothing trains just because the page is opened
    lab_controls.set_widgets(settings)


def apply_preset() -> None:
    """Set the widgets to the preset picked."""
    if name := st.session_state["lab_preset"]:
        lab_controls.set_widgets(PRESETS[name][0])
        page_state().messages = []


def controls() -> LabSettings:
    """Draw the sidebar; stop the page with a message if the settings are invalid."""
    with st.sidebar:
        st.selectbox(
            "Preset",
            list(PRESETS),
            index=None,
            placeholder="Choose an experiment",
            key="lab_preset",
            on_change=apply_preset,
        )
        for title, draw_controls, expanded in (
            ("Data", lab_controls.data_controls, True),
            ("Network and classes", lab_controls.network_controls, False),
            ("Losses", lab_controls.loss_controls, False),
            ("Training", lab_controls.training_controls, False),
        ):
            with st.expander(title, expanded=expanded):
                draw_controls()
        st.caption("The paper is Pintea et al., ICCV 2023. It runs five data seeds per function.")
    last = page_state().settings
    values = {
        f.name: st.session_state.get(lab_controls.key(f.name), getattr(last, f.name))
        for f in fields(LabSettings)
    }
    try:
        return LabSettings(**{**values, "hidden": parse_hidden(values["hidden"])})
    except UserError as error:
        stop()
        st.error(error.sentence)
        st.stop()


def take(settings: LabSettings) -> None:
    """Write the settings to the address; if they have changed, the run is replaced."""
    state = page_state()
    if state.settings != settings:
        state.run, state.settings = None, settings
        if lab_cost.estimate(settings).warning:
            stop()  # a long run starts only on request
    url_state.write(settings.to_query())


# The run


def stop() -> None:
    """Pause the run."""
    page_state().playing = False


def play() -> None:
    """Start or continue the run."""
    page_state().playing = True


def reset() -> None:
    """Discard the run."""
    page_state().run = None
    stop()


def one_epoch() -> None:
    """Train one epoch, then pause."""
    stop()
    page_state().one_epoch = True


def start_label(run: lab_run.Lab | None, cost: Estimate) -> str:
    """Return the label of the button that starts a run."""
    return "Start anyway" if cost.warning and not run else "Play"


def buttons(run: lab_run.Lab | None, cost: Estimate) -> None:
    """Draw the buttons that start, pause and reset the run."""
    able = cost.fits and not (run and run.done)
    with st.container(horizontal=True, vertical_alignment="center"):
        if page_state().playing:
            st.button("Pause", on_click=stop, type="primary", icon=":material/pause:")
        else:
            st.button(
                start_label(run, cost),
                on_click=play,
                type="primary",
                icon=":material/play_arrow:",
                disabled=not able,
            )
        st.button(
            "Train one epoch",
            on_click=one_epoch,
            icon=":material/skip_next:",
            disabled=not able,
        )
        st.button("Reset", on_click=reset, icon=":material/replay:", disabled=run is None)


def started(settings: LabSettings, cost: Estimate) -> lab_run.Lab | None:
    """Return the run of these settings; it is created when it is to train for the first time."""
    state = page_state()
    if state.run is None and (state.playing or state.one_epoch) and cost.fits:
        with st.spinner("Generating data and networks…"):
            state.run = lab_run.Lab(settings)
    if state.run and state.one_epoch:
        state.one_epoch = False
        state.run.advance_epoch()
    return state.run


# Results


def progress(place: DeltaGenerator, run: lab_run.Lab) -> None:
    """Show how far the run is."""
    text = f"Epoch {run.epoch} of {run.settings.epochs}"
    if run.done:
        text += ", finished"
    elif run.seconds_left is not None:
        text += f", about {run.seconds_left:.0f} s of training left"
    place.progress(min(run.step / run.total_steps, 1.0), text=text)


def live(run: lab_run.Lab) -> None:
    """Draw all charts; while the run plays, train and redraw for a while.

    The browser makes the next call after a short time, so a run whose page is left or closed stops.
    Clicks are handled between two drawings.
    """
    state, one = page_state(), lab_results.shown_run()
    until = time.monotonic() + TURN_SECONDS
    bar = st.empty()
    left, right = (column.container() for column in st.columns(2))
    predictions, history = left.empty(), right.empty()
    with left:
        charts.caption(lab_results.prediction_picture(run, one))
    with right:
        charts.caption(lab_results.history_picture(run))
    below = st.container()
    first = True
    while True:
        if state.playing:
            run.advance(seconds=SLICE_SECONDS)
        progress(bar, run)
        with predictions:
            charts.chart(lab_results.prediction_picture(run, one))
        with history:
            charts.chart(lab_results.history_picture(run))
        if first:
            with below:
                slow_charts(run, one)
            first = False
        if state.playing and run.done:
            stop()
            st.rerun()
        if not state.playing or time.monotonic() > until:
            return


def slow_charts(run: lab_run.Lab, one: int | None) -> None:
    """Show what takes longer to compute: the verdict, errors per range and class probabilities."""
    epochs = "1 epoch" if run.epoch == 1 else f"{run.epoch} epochs"
    st.subheader(f"Verdict after {epochs}", anchor=False)
    for column, verdict in zip(st.columns(2), run.verdicts(), strict=True):
        with column.container(border=True):
            st.markdown(f"**{verdict.words}**")
            st.markdown(verdict.numbers)
    relative = lab_results.relative_to_peak(run)
    pictures = lab_results.errors_picture(run, one, relative), lab_results.class_picture(run, one)
    for column, picture in zip(st.columns(2), pictures, strict=True):
        with column:
            charts.draw(picture)


def before_start(settings: LabSettings, cost: Estimate) -> None:
    """Show the function and how long training will take."""
    f = settings.target_function
    name = f"Function {settings.function}" if settings.function else "Custom function"
    charts.draw(
        lab_charts.function(lab_data.function_curve(settings)),
        name="function-only",
        settings=f"{name}: f(x) = {f.A:g} sin({f.C}x) + {f.B:g} sin({f.D}x).",
    )
    st.info(
        f"Press **{start_label(None, cost)}** to train {settings.repeats} "
        f"network{'s' * (settings.repeats > 1)} of each kind on this function. "
        f"Training takes about {max(cost.seconds, 1):.0f} s, plus the time to draw.",
        icon=":material/play_arrow:",
    )


def notices(settings: LabSettings, cost: Estimate) -> None:
    """Show messages about the address, what the preset shows, and a warning of a costly run."""
    state = page_state()
    for message in state.messages:
        st.warning(message)
    preset = st.session_state.get("lab_preset")
    if preset and PRESETS[preset][0] == settings:
        st.caption(f"**{preset}.** {PRESETS[preset][1]}")
    if cost.warning and state.run is None:
        st.warning(cost.warning)


def how_to_read() -> None:
    """Explain the models and the charts."""
    with st.expander("How to read this"):
        st.markdown(
            "- **Data.** Each run draws its own data from the same function: many training targets "
            "near a peak, few elsewhere. Test targets are sampled uniformly.\n"
            "- **Models.** **reg** minimises a regression loss. **reg+cls** adds a class head and "
            "minimises λ times the regression loss plus a classification loss. The **control** is "
            "reg with its loss multiplied by λ.\n"
            "- **Errors per target range.** The grey histogram shows the training targets. Compare "
            "the models where it is low.\n"
            "- **Verdict.** It is for new training runs with these settings on new data of the "
            "same function. reg+cls is better or worse if the interval of the paired difference "
            "excludes zero, practically equal if it lies within ±5 %; both comparisons together "
            "hold in 95 % of such experiments."
        )


st.title("Lab", anchor=False)
st.markdown(
    "**reg** predicts a value. **reg+cls** is also trained to classify the value's range; the "
    "**control** is reg with the same loss scale, which separates the effect of the classes from "
    "that of the scale."
)
first_settings()
settings = controls()
take(settings)
cost = lab_cost.estimate(settings)
notices(settings, cost)
bar = st.container()
run = started(settings, cost)
with bar:
    buttons(run, cost)
if run is None:
    before_start(settings, cost)
else:
    lab_results.view_controls(run)
    st.fragment(live, run_every=TICK_SECONDS if page_state().playing else None)(run)
    lab_results.files(run)
how_to_read()
