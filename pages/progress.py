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
    """Take settings and sample from the address: ?sample=, frames=, monotone=."""
    if "progress_frames" in st.session_state:
        return
    frames = url_state.choice("frames", predict.BUDGETS, predict.BUDGET)
    st.session_state["progress_frames"] = frames
    st.session_state["progress_monotone"] = url_state.choice("monotone", (False, True), False)
    key = url_state.choice("sample", SAMPLES, None)
    if key and not gallery().entries:
        add_sample(SAMPLES[key])


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


@st.cache_data(show_spinner=False)
def preview(key: str) -> np.ndarray:
    """Return a frame of a sample for its button."""
    sample = SAMPLES[key]
    return video.frame_at(video.open_video(sample.read(), sample.title), sample.face, 160)


def inputs() -> None:
    """Draw the upload, the settings and the samples."""
    files = st.file_uploader(
        "Video of an activity",
        video.SUFFIXES,
        accept_multiple_files=True,
        key="progress_files",
        max_upload_size=video.MAX_BYTES // uploads.MB,
    )
    for file in uploads.unseen(files, "progress"):
        add(file.getvalue(), file.name)
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
    uploads.samples(
        predict.SHIPPED_SAMPLES, add_sample, "progress", 64, lambda sample: preview(sample.key)
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
    """Show running jobs; rerun the page once when a job starts or ends."""
    gallery().keep_alive()
    active = gallery().active
    entry = gallery().entries[key]
    for number, (owner, job) in enumerate(active):
        renders = owner.overlay is not None and job is owner.overlay.job
        label = f"Drawing progress bars into {owner.name}" if renders else f"Reading {owner.name}"
        progress_bar(job, label, str(number))
    if entry.reading.job.active:
        curves(entry, None)
    before = st.session_state.get("progress_active")
    st.session_state["progress_active"] = len(active)
    if before is not None and len(active) != before:
        st.rerun()


# Results


def curves(entry: Entry, moment: float | None) -> None:
    """Draw progress over time, as far as the video has been read."""
    from regcls.tasks.progress.charts import over_time

    curve = entry.curve
    if curve is None:
        st.caption("The curves appear when the first frames have been read.")
        return
    picture = over_time(curve, entry.whole, monotone(), moment, entry.source.seconds)
    settings = f"Video: {entry.name}. Frames: {len(curve.seconds):,}."
    if moment is not None:
        settings += f" Dashed line: the selected moment, {moment:.1f} s."
    charts.draw(
        picture,
        key=f"progress_curves_{entry.name}",
        name="" if entry.reading.job.active else "progress-curves",  # offered when it is complete
        settings=settings,
    )


def show(key: str) -> None:
    """Show a video with its options and, once it has been read, its results."""
    entry = gallery().entries[key]
    for note in entry.curve.notes if entry.curve else entry.source.notes:
        st.info(note)
    if problem := entry.reading.job.problem:
        st.warning(f"{entry.name} was only partly read. {problem}")
    with st.container(horizontal=True, vertical_alignment="center"):
        entry.whole = st.checkbox(
            "This video shows the whole activity",
            entry.whole,
            key=f"progress_whole_{key}",
            help="If so, elapsed time is taken as the true progress: 0 % at the first frame, 100 % "
            "at the last.",
        )
        read_again(key, entry)
        if task_page.remove_button("progress", key):
            gallery().remove(key)
            st.rerun()
    if entry.reading.job.active or entry.curve is None:
        return
    curves(entry, moment(key, entry, entry.curve))
    errors()
    files(key, entry, entry.curve)


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


def moment(key: str, entry: Entry, curve: Curve) -> float:
    """Show the frame and the predictions at the moment picked; return it in seconds."""
    left, right = st.columns([1, 1], gap="medium", vertical_alignment="center")
    with right:
        picked = st.slider(
            "Moment (s)",
            0.0,
            max(curve.end, 0.01),
            curve.end / 2,
            max(curve.end / 200, 0.01),
            key=f"progress_moment_{key}_{len(curve.seconds)}",
        )
        frame = curve.at(picked)
        predictions(curve, frame)
        if entry.whole:
            st.caption(f"True progress by elapsed time: {curve.truth[frame]:.0f} %.")
    seconds = float(curve.seconds[frame])
    with left:
        try:
            image = video.frame_at(entry.source, seconds)
            st.image(image, caption=f"{entry.name} at {seconds:.1f} s", width="stretch")
        except images.MediaError as error:
            st.warning(sentence(error))
    return seconds


def predictions(curve: Curve, frame: int) -> None:
    """Show each model's prediction at a frame."""
    answer_cards.cards(
        {
            model: answer_cards.figure(f"{values[frame]:.0f}", "%")
            for model, values in curve.progress.items()
        }
    )


def errors() -> None:
    """Show the errors per progress range."""
    pair, report = task_models.models("progress")
    error_chart.draw(
        "progress",
        "%",
        f"Mean absolute error on {pair.predictions['clip'].nunique()} whole test clips, with "
        f"{report.level:.0%} intervals over clips. Late progress is rare in training (grey) because "
        "training clips were cut short.",
        gallery().report(pair.reg.card),
        "your own whole videos",
    )


def files(key: str, entry: Entry, curve: Curve) -> None:
    """Offer the curve as CSV, and the video with progress bars."""
    from regcls.plotting.style import PALETTE

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
    "Two networks estimate, frame by frame, how much of an activity is done. They differ in one "
    "respect: *reg+cls* was also trained to classify the progress into ranges."
)
first_visit()
with task_page.beside_inputs("progress", inputs, PRIVACY, 2):
    gallery().drop_empty()
    messages.problems(gallery().problems, "progress")
    custom_models.own_problems("progress")
    if entries := gallery().entries:
        shown = selection.chosen(entries, lambda key: entries[key].name, "progress", "Video")
        entry = entries[shown]
        write_address(entry)
        if gallery().active:
            watch(shown)
        else:
            st.session_state.pop("progress_active", None)
        show(shown)
        if entry.curve is not None:
            task_models.inference_time("progress", entry.curve.milliseconds, "frame")
        downloads.results(
            "**All your videos** (progress in %, errors in percentage points)",
            gallery().records(monotone()),
            "progress.csv",
        )
    else:
        write_address(None)
        st.info("Upload a video, or click a sample.", icon=":material/arrow_back:")
    limits()
