"""The results of a Lab run: verdicts, charts, the choice of the runs that they show, files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from pages.components import charts, downloads
from regcls.lab import charts as lab_charts
from regcls.lab import data as lab_data
from regcls.lab import other_runs, page_specs
from regcls.lab import run as lab_run
from regcls.lab.settings import LabSettings
from regcls.lab.verdict import Verdict
from regcls.plotting import errors
from regcls.plotting.chart import Picture

if TYPE_CHECKING:
    import pandas as pd
    from streamlit.delta_generator import DeltaGenerator

ALL_RUNS = "All runs"
RELATIVE, ABSOLUTE = "Relative to the peak", "Absolute"
HEIGHTS = {
    "function": lab_charts.HEIGHT,
    "history": lab_charts.HEIGHT,
    "errors": lab_charts.LOW,
    "classes": lab_charts.LOW,
}
# Pixels of a caption on wide, medium and narrow screens: 26 for a line, 23 for each further one.
_CAPTIONS = {
    "function": (26, 49, 49),
    "history": (26, 49, 49),
    "errors": (72, 72, 72),
    "classes": (72, 94, 94),
}
# Nothing moves or fades while a run plays: places keep their heights before there is a result and
# while Streamlit draws them anew, and what Streamlit is about to replace stays as it is.
_STYLE = """<style>
[data-testid="stApp"] [data-stale="true"] {{ opacity: 1 !important; transition: none !important; }}
[data-testid="stStatusWidget"] {{ display: none; }}  /* it would come and go with each redraw */
.st-key-lab_top h1 {{ padding: 0; }}
.st-key-lab_top [data-testid="stProgress"] p {{
  white-space: nowrap; overflow: hidden; text-overflow: ellipsis;
  font-size: 0.8rem; font-variant-numeric: tabular-nums;
}}
[class*="st-key-lab_verdict"] {{ min-height: 5rem; max-height: 5rem; }}
[class*="st-key-lab_verdict"] p {{
  font-size: 0.875rem; line-height: 1.4; font-variant-numeric: tabular-nums;
}}
[class*="st-key-lab_place"] {{ gap: 0.25rem; }}
{wide}
@media (min-width: 641px) and (max-width: 1380px) {{
  {medium}
}}
@media (max-width: 640px) {{ {narrow} }}
</style>"""


@dataclass(frozen=True)
class Places:
    """Containers of what changes while a run plays."""

    progress: DeltaGenerator
    verdicts: tuple[DeltaGenerator, DeltaGenerator]
    charts: dict[str, DeltaGenerator]


def style() -> None:
    """Reserve the heights of all places on this page."""
    wide, medium, narrow = (
        " ".join(
            f".st-key-lab_place_{name} {{ min-height: {height + _CAPTIONS[name][i]}px; }}"
            for name, height in HEIGHTS.items()
        )
        for i in range(3)
    )
    st.html(_STYLE.format(wide=wide, medium=medium, narrow=narrow))


def chart_places() -> dict[str, DeltaGenerator]:
    """Make the places of the charts: two rows of two, or a column on a phone."""
    places = {}
    for names in (("function", "history"), ("errors", "classes")):
        for name, column in zip(names, st.columns([3, 2], gap="small"), strict=True):
            places[name] = column.container(key=f"lab_place_{name}")
    return places


def box(name: str) -> DeltaGenerator:
    """Return an empty box that is as high as the chart that will take its place."""
    return st.container(border=True, height=HEIGHTS[name])


def note(name: str, text: str) -> None:
    """Say in the place of a chart why there is none."""
    with box(name):
        st.caption(text)


# What is shown


def run_choice(settings: LabSettings, width: int) -> None:
    """Draw the choice of the run that the charts show."""
    names = [f"Run {number + 1}" for number in range(settings.repeats)]
    st.selectbox(
        "Run to show",
        [*names, ALL_RUNS] if settings.repeats > 1 else names,
        key="lab_shown",
        width=width,
        label_visibility="collapsed",
    )


def axis_choice(settings: LabSettings) -> None:
    """Draw the choice of the target axis; uniform samples have no peak to measure from."""
    if settings.sampling != "uniform":
        st.segmented_control(
            "Target values in the errors per range",
            [RELATIVE, ABSOLUTE],
            default=RELATIVE,
            key="lab_axis",
            required=True,
            help="Each run has its own training peak. Relative to it, the frequent targets of all "
            "runs are near 0.",
        )


def shown_run(settings: LabSettings) -> int | None:
    """Return the index of the run to show, None for all runs."""
    picked = st.session_state.get("lab_shown") or "Run 1"
    if picked == ALL_RUNS:
        return None if settings.repeats > 1 else 0
    return min(int(picked.split()[1]), settings.repeats) - 1


def relative_to_peak(run: lab_run.Lab) -> bool:
    """Return whether targets are measured from the training peak of their run."""
    return run.has_peaks and st.session_state.get("lab_axis", RELATIVE) == RELATIVE


# Verdicts


def show_verdict(verdict: Verdict, one: int | None) -> None:
    """Show a verdict on all runs, with the difference of the run that the charts show."""
    wins = verdict.wins
    if one is not None and verdict.paired.runs > 1:
        wins += f"; run {one + 1}: {verdict.of_run(one)}"
    st.markdown(
        f"Test MSE: {verdict.errors}  \n**{verdict.short}**  \n"
        f"Difference {verdict.difference}  \n{wins}"
    )


def show_no_verdict(other: str, text: str) -> None:
    """Show what a verdict will be about, and why there is none."""
    st.markdown(f"Test MSE of reg+cls against {other}  \n**{text}**")


# Charts


def prediction_picture(run: lab_run.Lab | None, settings: LabSettings, one: int | None) -> Picture:
    """Return the chart of the predictions of all runs or of one; without a run, the function."""
    runs = settings.repeats if one is None else 1
    function = lab_data.function_curve(settings)
    if run is None:
        nothing = lab_charts.no_predictions(settings)
        limits = settings.target_function.limits
        picture = lab_charts.predictions(function=function, limits=limits, runs=runs, **nothing)
    else:
        picture = lab_charts.predictions(
            run.prediction_bands(run=one),
            function,
            run.data.target_density(one),
            run.data.input_density(one),
            run.data.limits,
            runs,
            others(other_runs.predictions, run, one),
        )
    return titled(picture, one)


def others(
    make: Callable[[lab_run.Lab, int], pd.DataFrame], run: lab_run.Lab, one: int | None
) -> pd.DataFrame | None:
    """Return the curves of the runs beside the one that is shown, None if there are none."""
    return None if one is None or run.settings.repeats == 1 else make(run, one)


def history_picture(run: lab_run.Lab, one: int | None) -> Picture:
    """Return the chart of the test error over epochs, of all runs or of one."""
    return titled(
        lab_charts.history(
            run.history_bands(run=one),
            run.settings.epochs,
            run.settings.repeats if one is None else 1,
            others(other_runs.errors, run, one),
        ),
        one,
    )


def errors_picture(run: lab_run.Lab, one: int | None, relative: bool) -> Picture:
    """Return the chart of the errors per target range."""
    target = "target y, relative to the run's training peak" if relative else "target y"
    picture = errors.errors_per_range(run.errors(one, relative), "", target)
    return titled(picture, one, "Error per target range")


def class_picture(run: lab_run.Lab, one: int | None) -> Picture:
    """Return the chart of the class head's probabilities."""
    function = lab_data.function_curve(run.settings)
    probabilities = run.class_probabilities(run=one)
    return titled(lab_charts.class_map(probabilities, function, run.data.limits), one)


def titled(picture: Picture, one: int | None, title: str = "") -> Picture:
    """Return a chart with the run that it shows in its title."""
    return replace(picture, spec=page_specs.titled(picture.spec, one, title))


def on_page(picture: Picture, legend: bool = True) -> Picture:
    """Return a chart for the page; below one with a legend of the models, it needs none."""
    return replace(picture, spec=page_specs.on_page(picture.spec, legend))


# Files


def function_file(settings: LabSettings) -> None:
    """Offer the chart of the function alone."""
    f = settings.target_function
    name = f"Function {settings.function}" if settings.function else "Custom function"
    charts.files(
        lambda: lab_charts.function(lab_data.function_curve(settings)),
        "function-only",
        label="Function",
        settings=f"{name}: f(x) = {f.A:g} sin({f.C}x) + {f.B:g} sin({f.D}x).",
    )


def with_settings(make: Callable[[], Picture], run: lab_run.Lab, text: str) -> Picture:
    """Return a chart with the settings and the epoch of this moment, and which run it shows."""
    settings = lab_charts.settings_text(run.settings, run.epoch)
    return replace(make(), settings=f"{settings} {text}".strip())


def files(run: lab_run.Lab) -> None:
    """Offer tables, networks and charts as files; each is made when its button is clicked.

    The widgets are read here, because the session state is not available on the click.
    """
    one, relative = shown_run(run.settings), relative_to_peak(run)
    highlighted = one is not None and run.settings.repeats > 1
    pictures: dict[str, tuple[Callable[[], Picture], str]] = {
        "function": (lambda: prediction_picture(run, run.settings, one), "highlighted"),
        "history": (lambda: history_picture(run, one), "highlighted"),
        "errors": (lambda: errors_picture(run, one, relative), "only"),
        "classes": (lambda: class_picture(run, one), "only"),
    }

    def history_csv() -> str:
        return run.history.to_csv(index=False)

    def errors_csv() -> str:
        return run.errors(one, relative).table().to_csv(index=False)

    with st.container(horizontal=True):
        downloads.button("History (CSV)", history_csv, "history.csv")
        downloads.button("Errors (CSV)", errors_csv, "errors.csv")
        index = one or 0
        networks = f"Networks of run {index + 1} (ONNX)"
        downloads.button(networks, lambda: run.onnx_zip(index), "regcls-lab.zip")
    with st.container(horizontal=True):
        for name, (make, how) in pictures.items():
            text = f"Run {one + 1} {how}." if one is not None and highlighted else ""
            made = partial(with_settings, make, run, text)
            charts.files(made, name, label=name.capitalize())
