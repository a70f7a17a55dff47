"""Progress: a video in, how far both models think the activity is at each moment."""

from __future__ import annotations

import streamlit as st
from streamlit.runtime import exists, get_instance
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import through_app
from pages.components import answer_cards, custom_models, messages, selection, task_models, uploads
from pages.components import downloads as components_downloads
from regcls.io import images, video
from regcls.tasks import pairs as tasks_pairs
from regcls.tasks.progress import predict
from regcls.tasks.progress import table as progress_table
from regcls.tasks.progress.gallery import Entry, Gallery
from regcls.utils.background import ABANDONED, CANCELLED, BackgroundJob

through_app()

PRIVACY = (
    "Videos stay in this session's memory and nothing leaves the machine that runs this app. Close "
    "the page and they are gone. (A film with bars is written to a temporary file while it is made.)"
)
LOOK_SECONDS = 0.7  # between two looks at what goes on


@st.cache_data(show_spinner=False)
def face_of(key: str):
    """A still of a sample, for its button."""
    sample = sample_of(key)
    return video.frame_at(video.open_video(sample.read(), sample.title), sample.face, 160)


def sample_of(key: str) -> predict.Sample | None:
    return next((sample for sample in predict.SHIPPED_SAMPLES if sample.key == key), None)


def gallery() -> Gallery:
    if "progress_gallery" not in st.session_state:
        context = get_script_run_ctx()
        session = context.session_id if context else ""

        def present() -> bool:
            """Whether this person's page is still open; tests have no server to ask."""
            return not exists() or get_instance().is_active_session(session)

        st.session_state["progress_gallery"] = Gallery(present=present)
    return st.session_state["progress_gallery"]


def add(data: bytes, name: str, sample: str | None = None) -> None:
    pair, _ = task_models.models("progress")
    with st.spinner(f"Looking through {name}…"):
        key = gallery().add(data, name, pair, st.session_state["progress_frames"], sample)
    selection.show(key, "progress")


# State in the address: ?sample=, frames=, monotone=


def from_address() -> None:
    query = st.query_params
    if "progress_frames" not in st.session_state:
        asked = query.get("frames", str(predict.BUDGET))
        known = asked.isdigit() and int(asked) in predict.BUDGETS
        st.session_state["progress_frames"] = int(asked) if known else predict.BUDGET
        st.session_state["progress_monotone"] = query.get("monotone") == "1"
        if not known:
            choices = ", ".join(map(str, predict.BUDGETS))
            st.toast(f"frames={asked} is not offered, so {predict.BUDGET} is taken ({choices}).")
        if (key := query.get("sample")) and not gallery().entries:
            if sample := sample_of(key):
                add(sample.read(), sample.title, sample.key)
            else:
                known_keys = ", ".join(sample.key for sample in predict.SHIPPED_SAMPLES)
                st.toast(f"There is no sample {key!r}; the samples are {known_keys}.")


def to_address(entry: Entry | None) -> None:
    values = {
        "sample": entry.sample if entry else None,
        "frames": str(st.session_state["progress_frames"]),
        "monotone": "1" if st.session_state["progress_monotone"] else None,
    }
    if values["frames"] == str(predict.BUDGET):
        values["frames"] = None
    wanted = {name: value for name, value in values.items() if value}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


# Videos in


def inputs() -> None:
    files = st.file_uploader(
        "A video of an activity", video.SUFFIXES, accept_multiple_files=True, key="progress_files",
        max_upload_size=video.MAX_BYTES // 1_000_000,
    )  # fmt: skip
    for file in uploads.unseen(files, "progress"):
        add(file.getvalue(), file.name)
    st.select_slider(
        "Frames to read, at most", predict.BUDGETS, key="progress_frames",
        help="Taken evenly over the video. More frames draw a finer curve and take longer.",
    )  # fmt: skip
    st.checkbox(
        "Show a fit that never falls", key="progress_monotone",
        help="The nearest curve that only rises (isotonic regression, least squares). It sees the "
        "whole video, so it could not be had while the activity goes on.",
    )  # fmt: skip
    st.caption("Or try a sample, from the test clips:")
    for sample in predict.SHIPPED_SAMPLES:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.image(face_of(sample.key), width=64)
            if st.button(sample.title, key=f"progress_sample_{sample.key}"):
                add(sample.read(), sample.title, sample.key)


# What goes on


def bar(work: BackgroundJob, doing: str, key: str) -> None:
    left = work.seconds_left
    wait = "" if left is None else f", about {max(1, round(left))} s left"
    with st.container(horizontal=True, vertical_alignment="center"):
        st.progress(work.share, f"{doing}: {work.share:.0%}{wait}")
        st.button("Cancel", on_click=work.cancel, key=f"progress_cancel_{key}")


@st.fragment(run_every=LOOK_SECONDS)
def watch(key: str) -> None:
    """Live until nothing goes on any more; then the page is drawn anew, once."""
    gallery().keep_alive()
    active = gallery().active
    entry = gallery().entries[key]
    for number, (owner, work) in enumerate(active):
        doing = (
            "Drawing the bars into" if owner.overlay and work is owner.overlay.job else "Reading"
        )
        bar(work, f"{doing} {owner.name}", str(number))
    if entry.reading.job.active:
        curves(entry, None)
    before = st.session_state.get("progress_active")
    st.session_state["progress_active"] = len(active)
    if before is not None and len(active) != before:
        st.rerun()


# Results


def curves(entry: Entry, moment: float | None) -> None:
    from regcls.tasks.progress.charts import over_time

    curve = entry.curve
    if curve is None:
        st.caption("The curves appear with the first frames.")
        return
    smooth = st.session_state["progress_monotone"]
    picture = over_time(curve, entry.whole, smooth, moment, entry.source.seconds)
    st.vega_lite_chart(picture.live, key=f"progress_curves_{entry.name}")
    st.caption(picture.caption)


def show(key: str) -> None:
    entry = gallery().entries[key]
    for note in entry.curve.notes if entry.curve else entry.source.notes:
        st.info(note)
    if problem := entry.reading.job.problem:
        st.warning(f"{entry.name} was read only in part. {problem}")
    with st.container(horizontal=True, vertical_alignment="center"):
        entry.whole = st.checkbox(
            "This video shows the whole activity", entry.whole, key=f"progress_whole_{key}",
            help="Then its own clock is the truth: 0 % at its first frame, 100 % at its last.",
        )  # fmt: skip
        again(key, entry)
        if st.button("Remove", key=f"progress_remove_{key}", icon=":material/delete:"):
            gallery().remove(key)
            st.rerun()
    if entry.reading.job.active or entry.curve is None:
        return
    moment = scrubber(key, entry)
    curves(entry, moment)
    errors()
    downloads(key, entry)


def again(key: str, entry: Entry) -> None:
    """Offer to read a video anew where that would give something else."""
    budget, reading = st.session_state["progress_frames"], entry.reading
    broken = reading.job.state in (ABANDONED, CANCELLED)
    finer = min(budget, entry.source.frames) != min(reading.budget, entry.source.frames)
    pair, _ = task_models.models("progress")
    others = entry.curve and set(entry.curve.progress) != set(tasks_pairs.sessions(pair))
    if reading.job.active or not (broken or finer or others):
        return
    word = f"Read again with up to {budget:,} frames" if finer else "Read again with your models"
    if st.button("Read it to the end" if broken else word, key=f"progress_again_{key}"):
        gallery().read_again(key, pair, budget)
        st.rerun()


def scrubber(key: str, entry: Entry) -> float:
    curve = entry.curve
    left, right = st.columns([1, 1], gap="medium", vertical_alignment="center")
    with right:
        moment = st.slider(
            "Moment (s)", 0.0, max(curve.end, 0.01), curve.end / 2, max(curve.end / 200, 0.01),
            key=f"progress_moment_{key}_{len(curve.seconds)}",
        )  # fmt: skip
        at = curve.at(moment)
        values(entry, at)
    with left:
        try:
            picture = video.frame_at(entry.source, float(curve.seconds[at]))
            st.image(picture, caption=f"{entry.name} at {curve.seconds[at]:.1f} s", width="stretch")
        except images.MediaError as error:
            st.warning(str(error))
    return float(curve.seconds[at])


def values(entry: Entry, at: int) -> None:
    """Both models' progress at a frame, and how far it truly is."""
    answer_cards.answers(
        {
            model: '<div style="font-size:2rem;line-height:1.3;font-weight:600">'
            f"{values[at]:.0f} %</div>"
            for model, values in entry.curve.progress.items()
        }
    )
    if entry.whole:
        st.caption(f"By the video's clock: {entry.curve.truth[at]:.0f} %.")


def errors() -> None:
    from regcls.plotting.errors import errors_per_range

    pair, report = task_models.models("progress")
    own = gallery().report(pair.reg.card)
    st.altair_chart(errors_per_range(report, "%", "progress", extra=own).chart())
    clips = pair.predictions["clip"].nunique()
    st.caption(
        f"Points: mean absolute error in percentage points on {clips} whole test clips; bars: "
        f"{report.level:.0%} intervals over clips. Training clips were cut short, so late progress "
        "is rare (grey)." + ("" if own is None else " Diamonds: your own whole videos.")
    )


def downloads(key: str, entry: Entry) -> None:
    from regcls.plotting.style import PALETTE

    stem = entry.name.rsplit(".", 1)[0]
    table = progress_table.table(entry.curve, entry.whole, st.session_state["progress_monotone"])
    with st.container(horizontal=True, vertical_alignment="center"):
        st.download_button(
            "Curve as CSV", table.to_csv(index=False), f"{stem}.csv", "text/csv",
            icon=":material/download:", on_click="ignore", key=f"progress_csv_{key}",
        )  # fmt: skip
        overlay = entry.overlay
        fresh = overlay and overlay.curve is entry.curve and overlay.whole == entry.whole
        if fresh and overlay.data:
            st.download_button(
                "Video with bars (mp4)", overlay.data, f"{stem}_bars.mp4", "video/mp4",
                icon=":material/movie:", on_click="ignore", key=f"progress_film_{key}",
            )  # fmt: skip
        elif not (fresh and overlay.job.active) and st.button(
            "Draw both bars into the video", key=f"progress_make_{key}", icon=":material/movie:"
        ):
            gallery().render_overlay(key, PALETTE)
            st.rerun()
    if entry.overlay and entry.overlay.job.problem:
        st.warning(entry.overlay.job.problem)


def limits() -> None:
    with st.expander("How to read this, and its limits"):
        st.markdown(
            "The models see one frame at a time and know nothing of its place in the video. They "
            "learned from some 140 clips of three robot tasks (a banana onto a plate, a flash drive "
            "onto a book, a humanoid that picks up a can), each cut short at a random point, so "
            "that late progress is rare. **On any other activity their answer means little**: "
            "upload one to see that for yourself.\n\n"
            "A video's truth is its own clock, which is right only where it shows the activity "
            "from its first moment to its last, at an even pace. A clock that has seen the usual "
            "length does better than the models on whole clips, and far worse on parts of them; "
            "the model card has both figures."
        )


st.title("Progress, from a video")
st.markdown(
    "How much of an activity is done, judged frame by frame by two networks, alike in all but one "
    "thing: *reg+cls* also had to name the class of progress while it learned."
)
from_address()
left, right = st.columns([1, 2], gap="medium")
with left:
    inputs()
    st.caption(PRIVACY)
    custom_models.offer_own("progress")
with right:
    gallery().drop_empty()
    messages.problems(gallery().problems, "progress")
    custom_models.own_problems("progress")
    if gallery().entries:
        entries = gallery().entries
        key = selection.chosen(entries, lambda key: entries[key].name, "progress", "Video")
        entry = entries[key]
        to_address(entry)
        if gallery().active:
            watch(key)
        else:
            st.session_state.pop("progress_active", None)
        show(key)
        if entry.curve is not None:
            task_models.engine("progress", entry.curve.milliseconds, "frame")
        components_downloads.results(
            "**All your videos** (progress in %, errors in points)",
            gallery().records(st.session_state["progress_monotone"]),
            "progress.csv",
        )
    else:
        to_address(None)
        st.info("Add a video, or click a sample.", icon=":material/arrow_back:")
    limits()
