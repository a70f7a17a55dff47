"""Lab: watch reg, its loss-scale control and reg+cls learn the same function, live."""

from __future__ import annotations

import time
from dataclasses import dataclass, field, fields
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages import through_app
from pages.components import charts, lab_controls, lab_results, url_state
from regcls.exceptions import UserError
from regcls.lab import cost as lab_cost
from regcls.lab import run as lab_run
from regcls.lab.cost import Estimate
from regcls.lab.pace import Pace
from regcls.lab.settings import PRESETS, LabSettings, parse_hidden
from regcls.utils.text import duration

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamlit.delta_generator import DeltaGenerator

    from pages.components.lab_results import Places
    from regcls.plotting.chart import Picture

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
    pace: Pace = field(default_factory=Pace)


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
    lab_controls.sidebar()
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
    page_state().pace.pause()


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


def buttons(cost: Estimate) -> None:
    """Draw the buttons that start, pause and reset the run."""
    run = page_state().run
    able = cost.fits and not over(run)
    if page_state().playing:
        st.button("Pause", on_click=stop, type="primary", icon=":material/pause:", width=100)
    else:
        st.button(
            "Play",
            on_click=play,
            type="primary" if able else "secondary",
            icon=":material/play_arrow:",
            disabled=not able,
            width=100,
        )
    st.button("Train one epoch", on_click=one_epoch, icon=":material/skip_next:", disabled=not able)
    started = run is not None or page_state().playing or page_state().one_epoch
    st.button("Reset", on_click=reset, icon=":material/replay:", disabled=not started)


def over(run: lab_run.Lab | None) -> bool:
    """Return whether there is a run that cannot go on."""
    return run is not None and (run.done or run.diverged)


def started(settings: LabSettings, cost: Estimate) -> lab_run.Lab | None:
    """Return the run of these settings; it is created when it is to train for the first time."""
    state = page_state()
    if state.run is None and (state.playing or state.one_epoch) and cost.fits:
        state.run = lab_run.Lab(settings)
        state.pace.begin()
    if state.run and state.one_epoch:
        state.run.advance_epoch()
    state.one_epoch = False
    return state.run


def advance(run: lab_run.Lab, cost: Estimate) -> None:
    """Train for a slice of time, if the run plays."""
    state = page_state()
    if not state.playing:
        return
    state.pace.note(run.step)  # drawing since the last slice takes time, too
    run.advance(seconds=SLICE_SECONDS)
    state.pace.note(run.step)
    if run.done:
        state.pace.learn(cost.seconds, run.total_steps)


# Results


def transport(settings: LabSettings, cost: Estimate) -> Places:
    """Draw the row on top: buttons, preset, run; make the places of what changes."""
    with st.container(key="lab_top"):
        left, *others = st.columns([9, 5, 5], gap="small")
        with left.container(gap="xsmall"):
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.title("Lab", anchor=False, width="content")
                buttons(cost)
            with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
                st.selectbox(
                    "Preset",
                    list(PRESETS),
                    index=None,
                    placeholder="Choose a preset",
                    key="lab_preset",
                    on_change=apply_preset,
                    label_visibility="collapsed",
                    width=165,
                )
                lab_results.run_choice(settings, width=95)
                bar = st.container(key="lab_progress", width="stretch")
        verdicts = [
            place.container(key=f"lab_verdict_{name}")
            for name, place in zip(("reg", "control"), others, strict=True)
        ]
    return lab_results.Places(bar, (verdicts[0], verdicts[1]), lab_results.chart_places())


def live(settings: LabSettings, cost: Estimate, places: Places) -> None:
    """Draw all that changes in its place; while the run plays, train and redraw for a while.

    The browser makes the next call after a short time, so a run whose page is left or closed stops.
    Clicks are handled between two drawings.
    """
    state = page_state()
    was_over, until = over(state.run), time.monotonic() + TURN_SECONDS
    with places.progress:
        bar = st.progress(*progress(state.run, settings, cost))
    run = started(settings, cost)
    bar.progress(*progress(run, settings, cost))
    drawn = draw(run, settings, cost, places)
    while run is not None and not over(run) and state.playing:
        advance(run, cost)
        bar.progress(*progress(run, settings, cost))
        for make, place in drawn:
            charts.chart(lab_results.on_page(make()), place)
        if time.monotonic() >= until:  # not sooner: a busy machine may need a turn for drawing
            break
    if over(run) and not was_over:
        stop()
        st.rerun()  # the buttons change


def draw(
    run: lab_run.Lab | None, settings: LabSettings, cost: Estimate, places: Places
) -> list[tuple[Callable[[], Picture], DeltaGenerator]]:
    """Draw verdicts and charts once; return the charts that can be redrawn often, with their places."""
    one = lab_results.shown_run(settings)
    makers: dict[str, Callable[[], Picture]] = {
        "function": lambda: lab_results.prediction_picture(run, settings, one)
    }
    if run is not None:
        makers["history"] = partial(lab_results.history_picture, run, one)
    else:
        with places.charts["history"]:
            before_start(settings, cost)
    drawn = []
    for name, make in makers.items():
        with places.charts[name]:
            picture = lab_results.on_page(make())
            drawn.append((make, charts.chart(picture)))
            charts.caption(picture)
    verdicts(run, places, one)
    slow_charts(run, places, one)
    return drawn


def progress(run: lab_run.Lab | None, settings: LabSettings, cost: Estimate) -> tuple[float, str]:
    """Return which share of the run is done, and how far it is in words."""
    state = page_state()
    if run is None:
        if cost.fits and (state.playing or state.one_epoch):
            return 0.0, "Generating data…"
        return 0.0, f"About {duration(state.pace.expected(cost.seconds))}"
    text = f"Epoch {run.epoch} of {settings.epochs}"
    if run.done:
        text += ", finished"
    elif (left := state.pace.left(run.step, run.total_steps)) is not None:
        text += f", {duration(left)} left"
    return min(run.step / run.total_steps, 1.0), text


def verdicts(run: lab_run.Lab | None, places: Places, one: int | None) -> None:
    """Show the verdicts against reg and the control, or why there are none."""
    if run is not None and run.epoch > 0 and not run.diverged:
        for place, verdict in zip(places.verdicts, run.verdicts(), strict=True):
            with place:
                lab_results.show_verdict(verdict, one)
        return
    text = "No verdict before the first epoch"
    if run is not None and run.diverged:
        text = "Training diverged; lower the learning rate"
    for place, other in zip(places.verdicts, ("reg", "the control"), strict=True):
        with place:
            lab_results.show_no_verdict(other, text)


def slow_charts(run: lab_run.Lab | None, places: Places, one: int | None) -> None:
    """Draw what takes longer to compute: errors per range and class probabilities."""
    names = {"errors": "Errors per target range", "classes": "Probabilities of the class head"}
    if run is None or run.diverged:
        for name, words in names.items():
            with places.charts[name]:
                lab_results.note(name, f"{words} appear here during training.")
        return
    relative = lab_results.relative_to_peak(run)
    errors = lab_results.errors_picture(run, one, relative)
    for name, picture in (
        ("errors", lab_results.on_page(errors, legend=False)),
        ("classes", lab_results.class_picture(run, one)),
    ):
        with places.charts[name]:
            charts.chart(picture)
            charts.caption(picture)


def before_start(settings: LabSettings, cost: Estimate) -> None:
    """Say what will be trained, and how long it takes, in the place of the test error."""
    with lab_results.box("history"):
        st.markdown(
            "**reg** predicts a value. **reg+cls** is also trained to classify the value's range. "
            "The **control** is reg with the same loss scale: it separates the effect of the "
            "classes from that of the scale."
        )
        preset = st.session_state.get("lab_preset")
        if preset and PRESETS[preset][0] == settings:
            st.caption(f"**{preset}.** {PRESETS[preset][1]}")
        pace = page_state().pace
        networks = "1 network" if settings.repeats == 1 else f"{settings.repeats} networks"
        text = (
            f"Training {networks} of each kind for {settings.epochs} "
            f"epoch{'s' * (settings.epochs > 1)} takes about "
            f"{duration(pace.expected(cost.seconds))} "
            f"{'here' if pace.measured else 'on two idle cores'}, drawing included."
        )
        if not cost.fits:
            st.warning(cost.warning)
        elif cost.warning:
            st.warning(f"{text} Fewer repeats, epochs or classes are faster.")
        else:
            st.caption(f"{text} The test error appears in this place.")


def how_to_read() -> None:
    """Explain the models and the charts."""
    with st.expander("How to read this"):
        st.markdown(
            "- **Data.** Each run draws its own data from the same function: many training targets "
            "near a peak, few elsewhere. Test targets are sampled uniformly.\n"
            "- **Models.** reg minimises a regression loss. reg+cls adds a class head and "
            "minimises λ times the regression loss plus a classification loss. The control is "
            "reg with its loss multiplied by λ.\n"
            "- **Errors per target range.** The grey histogram shows the training targets. Compare "
            "the models where it is low.\n"
            "- **Class probabilities.** The probability of a class that is wider than a strip is "
            "spread evenly over its strips.\n"
            "- **Verdict.** It is for new training runs with these settings on new data of the "
            "same function, so it always takes all runs. reg+cls is better or worse if the "
            "interval of the paired difference excludes zero as printed, practically equal if it "
            "lies within ±5%; both comparisons together hold in 95% of such experiments. Until the "
            "last epoch it is provisional."
        )


lab_results.style()
first_settings()
settings = controls()
take(settings)
for message in page_state().messages:
    st.warning(message)
cost = lab_cost.estimate(settings)
with st.container(gap="xsmall"):
    places = transport(settings, cost)
st.fragment(live, run_every=TICK_SECONDS if page_state().playing else None)(settings, cost, places)
lab_results.axis_choice(settings)
with st.expander("Downloads"):
    if (run := page_state().run) is None:
        lab_results.function_file(settings)
    else:
        lab_results.files(run)
how_to_read()
st.caption("The paper is Pintea et al., ICCV 2023. It runs five data seeds per function.")
