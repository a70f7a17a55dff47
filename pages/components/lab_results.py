"""The charts of a Lab run, the choice of the runs that they show, and their files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import streamlit as st

from pages.components import charts, downloads
from regcls.lab import charts as lab_charts
from regcls.lab import data as lab_data
from regcls.lab import run as lab_run
from regcls.plotting import errors
from regcls.plotting.chart import Picture

ALL_RUNS = "All runs"
RELATIVE, ABSOLUTE = "Relative to the peak", "Absolute"


def view_controls(run: lab_run.Lab) -> None:
    """Draw the choice of the runs and of the target axis."""
    with st.container(horizontal=True):
        runs = [ALL_RUNS, *(f"Run {number + 1}" for number in range(run.settings.repeats))]
        st.selectbox("Show", runs, key="lab_shown", width=160)
        if run.has_peaks:
            st.segmented_control(
                "Target values",
                [RELATIVE, ABSOLUTE],
                default=RELATIVE,
                key="lab_axis",
                required=True,
                help="Each run has its own training peak. Relative to it, the frequent targets of "
                "all runs are near 0.",
            )


def shown_run() -> int | None:
    """Return the index of the run to show, None for all runs."""
    picked = st.session_state.get("lab_shown", ALL_RUNS)
    return None if picked == ALL_RUNS else int(picked.split()[1]) - 1


def relative_to_peak(run: lab_run.Lab) -> bool:
    """Return whether targets are measured from the training peak of their run."""
    return run.has_peaks and st.session_state.get("lab_axis", RELATIVE) == RELATIVE


def prediction_picture(run: lab_run.Lab, one: int | None) -> Picture:
    """Return the chart of the predictions of all runs or of one."""
    return lab_charts.predictions(
        run.prediction_bands(run=one),
        lab_data.function_curve(run.settings),
        run.data.target_density(one),
        run.data.input_density(one),
        run.data.limits,
        run.settings.repeats if one is None else 1,
    )


def history_picture(run: lab_run.Lab) -> Picture:
    """Return the chart of the test error over epochs."""
    return lab_charts.history(run.history_bands(), run.settings.epochs, run.settings.repeats)


def errors_picture(run: lab_run.Lab, one: int | None, relative: bool) -> Picture:
    """Return the chart of the errors per target range."""
    target = "target y, relative to the run's training peak" if relative else "target y"
    return errors.errors_per_range(run.errors(one, relative), "", target)


def class_picture(run: lab_run.Lab, one: int | None) -> Picture:
    """Return the chart of the class head's probabilities."""
    function = lab_data.function_curve(run.settings)
    return lab_charts.class_map(run.class_probabilities(run=one), function, run.data.limits)


def with_settings(make: Callable[[], Picture], run: lab_run.Lab, one: int | None) -> Picture:
    """Return the chart of all runs or of one, with the settings and the epoch of this moment."""
    text = lab_charts.settings_text(run.settings, run.epoch)
    return replace(make(), settings=text if one is None else f"{text} Run {one + 1} only.")


def files(run: lab_run.Lab) -> None:
    """Offer tables, networks and charts as files; each is made when its button is clicked.

    The widgets are read here, because the session state is not available on the click.
    """
    one, relative = shown_run(), relative_to_peak(run)
    pictures: dict[str, Callable[[], Picture]] = {
        "function": lambda: prediction_picture(run, one),
        "history": lambda: history_picture(run),
        "errors": lambda: errors_picture(run, one, relative),
        "classes": lambda: class_picture(run, one),
    }

    def history_csv() -> str:
        return run.history.to_csv(index=False)

    def errors_csv() -> str:
        return run.errors(one, relative).table().to_csv(index=False)

    with st.expander("Downloads"):
        with st.container(horizontal=True):
            downloads.button("History (CSV)", history_csv, "history.csv")
            downloads.button("Errors (CSV)", errors_csv, "errors.csv")
            index = one or 0
            networks = f"Networks of run {index + 1} (ONNX)"
            downloads.button(networks, lambda: run.onnx_zip(index), "regcls-lab.zip")
        with st.container(horizontal=True):
            for name, make in pictures.items():
                shown = None if name == "history" else one  # the history is that of all runs
                made = partial(with_settings, make, run, shown)
                charts.files(made, name, label=name.capitalize())
