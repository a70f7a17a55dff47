"""Progress: estimate how much of an activity is done at each moment of a video."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from pages import through_app
from pages.components import (
    answer_cards,
    charts,
    custom_models,
    downloads,
    error_chart,
    film,
    folds,
    messages,
    presence,
    selection,
    task_models,
    task_page,
    uploads,
    url_state,
)
from regcls.exceptions import sentence
from regcls.io import images, video
from regcls.tasks.pairs import sessions
from regcls.tasks.progress import predict, table
from regcls.tasks.progress.gallery import Entry, Gallery
from regcls.tasks.progress.predict import Curve
from regcls.utils.background import ABANDONED, CANCELLED, BackgroundJob

if TYPE_CHECKING:
    import numpy as np

through_app()

PRIVACY = (
    "Videos stay in this session's memory, and nothing leaves the machine that runs this app. They "
    "are gone when you close the page; a video with progress bars is written to a temporary file "
    "while it is made."
)
REFRESH_SECONDS = 0.7  # between two updates while a job runs
SAMPLES = {sample.key: sample for sample in predict.SHIPPED_SAMPLES}


def gallery() -> Gallery:
    """Return the visitor's videos."""
    if "progress_gallery" not in st.session_state:
        st.session_state["progress_gallery"] = Gallery(present=presence.visitor_present())
    return st.session_state["progress_gallery"]


def monotone() -> bool:
    """Return whether the monotone fit is shown."""
    return st.session_state["progress_monotone"]


def first_visit() -> None:
    """Take the settings from the address: ?frames=, monotone=."""
    if "progress_frames" in st.session_state:
        return
    frames = url_state.choice("frames", predict.BUDGETS, predict.BUDGET)
    st.session_state["progress_frames"] = frames
    st.session_state["progress_monotone"] = url_state.choice("monotone", (False, True), False)


def first_sample() -> None:
    """Open the page with the sample of the address, or the first."""
    if st.session_state.get("progress_opened"):
        return
    key = url_state.choice("sample", SAMPLES, predict.FIRST_SAMPLE.key)
    if not gallery().entries:
        add_sample(SAMPLES[key])
    st.session_state["progress_opened"] = True


def write_address(entry: Entry | None) -> None:
    """Write the settings and the sample shown, if it is one, to the address."""
    url_state.write(
        {
            "sample": entry.sample if entry else None,
            "frames": st.session_state["progress_frames"],
            "monotone": monotone(),
        },
        {"frames": predict.BUDGET},
    )


# Inputs


def add(data: bytes, name: str, sample: str | None = None) -> None:
    """Start to read a video and show it."""
    pair, _ = task_models.models("progress")
    with st.spinner(f"Opening {name}…"):
        key = gallery().add(data, name, pair, st.session_state["progress_frames"], sample)
    selection.show(key, "progress")


def add_sample(sample: predict.Sample) -> None:
    """Start to read a sample and show it."""
    add(sample.read(), sample.title, sample.key)


def inputs() -> None:
    """Draw the upload, the settings and the samples."""
    files = st.file_uploader(
        "Video of an activity",
        video.SUFFIXES,
        accept_multiple_files=True,
        key="progress_files",
        max_upload_size=video.MAX_BYTES // uploads.MB,
    )
    for file in uploads.brought(files, "progress", gallery()):
        add(file.getvalue(), file.name)
        uploads.handled(file, "progress")
    uploads.samples(predict.SHIPPED_SAMPLES, add_sample, "progress", gallery())
    st.select_slider(
        "Maximum number of frames",
        predict.BUDGETS,
        key="progress_frames",
        help="Frames are evenly spaced over the video. More frames give a finer curve and take "
        "longer.",
    )
    st.checkbox(
        "Show monotone fit",
        key="progress_monotone",
        help="Isotonic regression over the whole video; not available in real time.",
    )


# Running jobs


def progress_bar(job: BackgroundJob, label: str, key: str) -> None:
    """Draw a job's progress, the time left and a button that cancels it."""
    left = job.seconds_left
    remaining = "" if left is None else f", about {max(1, round(left))} s left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(job.share, f"{label}: {job.share:.0%}{remaining}")
        st.button("Cancel", on_click=job.cancel, key=f"progress_cancel_{key}")


@st.fragment(run_every=REFRESH_SECONDS)
def watch(key: str) -> None:
    """Show running jobs and the curves so far; rerun the page once when a job starts or ends."""
    gallery().keep_alive()
    active = gallery().active
    entry = gallery().entries[key]
    curves(entry)
    for number, (owner, job) in enumerate(active):
        renders = owner.overlay is not None and job is owner.overlay.job
        label = f"Drawing progress bars into {owner.name}" if renders else f"Reading {owner.name}"
        progress_bar(job, label, str(number))
    before = st.session_state.get("progress_active")
    st.session_state["progress_active"] = len(active)
    if before is not None and len(active) != before:
        st.rerun()


# Results


def show(key: str) -> None:
    """Show a video over its curves, beside the predictions at the moment and the test errors."""
    entry = gallery().entries[key]
    left, right = task_page.medium_and_answers()
    with left:
        moment = None
        if entry.playable:
            film.player(bytes_of(entry), f"The video {entry.name}")
        elif entry.curve is not None and not entry.reading.job.active:
            moment = still(key, entry, entry.curve)
        if gallery().active:
            watch(key)
        else:
            st.session_state.pop("progress_active", None)
            curves(entry, moment)
        files(key, entry)
        for note in entry.curve.notes if entry.curve else entry.source.notes:
            st.info(note)
        if problem := entry.reading.job.problem:
            st.warning(f"{entry.name} was only partly read. {problem}")
        options(key, entry)
    with right:
        predictions(entry, moment)
        draw_errors()


def bytes_of(entry: Entry) -> bytes:
    """Return the file of a video that browsers can play, which is in memory."""
    data = entry.source.source
    assert isinstance(data, bytes), "videos of a page are in memory"
    return data


def curves(entry: Entry, moment: float | None = None) -> None:
    """Draw progress over time, as far as the video has been read."""
    from regcls.tasks.progress import charts as progress_charts

    curve = entry.curve
    if curve is None:
        st.caption("The curves appear when the first frames have been read.")
        return
    end = entry.source.seconds
    picture = progress_charts.over_time(curve, entry.whole, monotone(), moment, end)
    settings = f"Video: {entry.name}. Frames: {len(curve.seconds):,}."
    if not entry.playable:
        if moment is not None:
            settings += f" Dashed line: the selected moment, {moment:.1f} s."
        # Offered as a file when it is complete.
        name = "" if entry.reading.job.active else "progress-curves"
        charts.draw(picture, f"progress_curves_{entry.name}", name=name, settings=settings)
        return
    film.curves(
        curve.seconds,
        {name: line(name, v) for name, v in lines(entry, curve).items()},
        max(end, curve.end),
        (progress_charts.TITLE, picture.caption),
        f"progress_film_{entry.name}",
    )
    st.caption(f"{picture.caption} Click on the curves, or move the slider, to go to a moment.")
    if not entry.reading.job.active:
        with st.popover("Save chart", icon=":material/download:", key="save_progress-curves"):
            charts.files(lambda: picture, "progress-curves", settings=settings)


def lines(entry: Entry, curve: Curve) -> dict[str, np.ndarray]:
    """Return the curves that are drawn, in percent, by name."""
    from regcls.tasks.progress import charts as progress_charts

    return progress_charts.lines(curve, entry.whole, monotone())


def line(name: str, values: np.ndarray) -> film.Line:
    """Return a curve with the colour and dashes that it has in the chart."""
    from regcls.tasks.progress import charts as progress_charts

    return film.Line(
        values, progress_charts.colour(name), " ".join(map(str, progress_charts.dash(name)))
    )


def predictions(entry: Entry, moment: float | None) -> None:
    """Show each model's prediction at the moment shown, and its mean error if that is known."""
    curve = entry.curve
    if curve is None:
        st.caption("The predictions appear when the first frames have been read.")
        return
    notes = {
        model: f"mean error {curve.error(values):.1f} points" if entry.whole else ""
        for model, values in curve.progress.items()
    }
    if entry.playable:
        models = {m: (line(m, values), notes[m]) for m, values in curve.progress.items()}
        truth = curve.truth if entry.whole else None
        film.values(curve.seconds, models, truth, f"progress_values_{entry.name}")
        return
    frame = curve.at(moment or 0.0)
    answer_cards.cards(
        {
            model: answer_cards.figure(f"{values[frame]:.0f}", "%")
            + answer_cards.line(notes[model])
            for model, values in curve.progress.items()
        }
    )
    if entry.whole:
        st.caption(f"True progress by elapsed time: {curve.truth[frame]:.0f}%.")


def options(key: str, entry: Entry) -> None:
    """Draw what can be done with a video."""
    with st.container(horizontal=True, vertical_alignment="center"):
        entry.whole = st.checkbox(
            "This video shows the whole activity",
            entry.whole,
            key=f"progress_whole_{key}",
            help="If so, elapsed time is taken as the true progress: 0% at the first frame, 100% "
            "at the last.",
            on_change=lambda: setattr(
                entry, "whole", bool(st.session_state[f"progress_whole_{key}"])
            ),
        )
        read_again(key, entry)
        if task_page.remove_button("progress", key):
            gallery().remove(key)
            st.rerun()


def read_again(key: str, entry: Entry) -> None:
    """Offer to read a video again where the result would differ."""
    budget, reading = st.session_state["progress_frames"], entry.reading
    incomplete = reading.job.state in (CANCELLED, ABANDONED)
    finer = min(budget, entry.source.frames) != min(reading.budget, entry.source.frames)
    pair, _ = task_models.models("progress")
    other_models = entry.curve and set(entry.curve.progress) != set(sessions(pair))
    if reading.job.active or not (incomplete or finer or other_models):
        return
    label = f"Read again with up to {budget:,} frames" if finer else "Read again with your models"
    if st.button("Finish reading" if incomplete else label, key=f"progress_again_{key}"):
        gallery().read_again(key, pair, budget)
        st.rerun()


def still(key: str, entry: Entry, curve: Curve) -> float:
    """Show the frame at the moment picked, of a video that browsers do not play; return its time."""
    picked = st.slider(
        "Moment (s)",
        0.0,
        max(curve.end, 0.01),
        curve.end / 2,
        max(curve.end / 200, 0.01),
        key=f"progress_moment_{key}_{len(curve.seconds)}",
        help="Browsers cannot play this file, so single frames are shown. H.264 in MP4 can be played.",
    )
    seconds = float(curve.seconds[curve.at(picked)])
    try:
        image = video.frame_at(entry.source, seconds)
        caption = f"{entry.name} at {seconds:.1f} s"
        st.image(image, caption=caption, width="stretch", alt=f"Frame of {caption}")
    except images.MediaError as error:
        st.warning(sentence(error))
    return seconds


def draw_errors() -> None:
    """Show the test errors per progress range."""
    pair, report = task_models.models("progress")
    error_chart.draw(
        "progress",
        "%",
        f"Mean absolute error on {pair.predictions['clip'].nunique()} whole test clips, in points: "
        f"percentage points of progress, with {report.level:.0%} intervals over clips. Late progress "
        "is rare in training (grey) because training clips were cut short.",
        gallery().report(pair.reg.card),
        "your own whole videos",
        error_unit="points",
    )


def details(entry: Entry) -> None:
    """Draw, folded, what else is known of the errors, and the table of all videos."""
    error_chart.details("progress", "points")
    if part := folds.fold("Table of all videos", "progress_fold_table"):
        with part:
            downloads.results(
                "**All your videos** (progress in %, errors in points)",
                gallery().records(monotone()),
                "progress.csv",
            )
            if entry.curve is not None:
                task_models.inference_time("progress", entry.curve.milliseconds, "frame")


def files(key: str, entry: Entry) -> None:
    """Offer the curve as CSV, and the video with progress bars."""
    from regcls.plotting.style import PALETTE

    curve = entry.curve
    if curve is None or entry.reading.job.active:
        return
    stem = entry.name.rsplit(".", 1)[0]
    frame = table.table(curve, entry.whole, monotone())
    with st.container(horizontal=True, vertical_alignment="center"):
        downloads.button(
            "Curve (CSV)",
            lambda: frame.to_csv(index=False),
            f"{stem}.csv",
            key=f"progress_csv_{key}",
        )
        overlay = entry.overlay
        if overlay and not (overlay.curve is curve and overlay.whole == entry.whole):
            overlay = None  # made from another curve
        if overlay and overlay.data:
            downloads.button(
                "Video with progress bars (MP4)",
                overlay.data,
                f"{stem}_bars.mp4",
                ":material/movie:",
                key=f"progress_film_{key}",
            )
        elif not (overlay and overlay.job.active) and st.button(
            "Draw progress bars into the video", key=f"progress_make_{key}", icon=":material/movie:"
        ):
            gallery().render_overlay(key, PALETTE)
            st.rerun()
    if entry.overlay and entry.overlay.job.problem:
        st.warning(entry.overlay.job.problem)


def limits() -> None:
    """Explain how to read the page and what the models cannot do."""
    with st.expander("How to read this, and limits"):
        st.markdown(
            "- **Predictions.** The models see one frame at a time, without its position in the "
            "video.\n"
            "- **Training data.** They were trained on about 140 clips of three robot tasks: "
            "putting a banana onto a plate, putting a flash drive onto a book, and a humanoid "
            "picking up a can. Each clip was cut short at a random point, so late progress is "
            "rare. The samples are test clips. **On any other activity the predictions mean "
            "little**; upload a video to see this for yourself.\n"
            "- **True progress.** It is taken from elapsed time, which is correct only if the video "
            "shows the activity from start to finish at an even pace.\n"
            "- **Baseline.** On whole clips, a clock that knows the usual length has a lower error "
            "than the models; on parts of clips its error is far higher. The model card reports "
            "both."
        )


st.title("Progress, from a video")
st.markdown(
    "Two networks estimate how much of an activity is done. *reg+cls* was also trained to classify "
    "the progress into ranges."
)
first_visit()
with task_page.beside_inputs("progress", inputs, PRIVACY):
    first_sample()
    gallery().drop_empty()
    messages.problems(gallery().problems, "progress")
    custom_models.own_problems("progress")
    if entries := gallery().entries:
        shown = selection.chosen(entries, lambda key: entries[key].name, "progress", "Video")
        write_address(entries[shown])
        show(shown)
    else:
        write_address(None)
        st.info("Upload a video, or click a sample.")
        draw_errors()
if entries:
    details(entries[shown])
limits()
