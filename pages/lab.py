"""Lab: watch reg, its loss-scale control and reg+cls learn the same function, live."""

import time
from dataclasses import asdict, fields

import streamlit as st

from pages import through_app
from regcls.lab import charts as lab_charts
from regcls.lab import cost as lab_cost
from regcls.lab import data as lab_data
from regcls.lab import run as lab_run
from regcls.lab import settings as lab_settings
from regcls.lab.cost import Estimate
from regcls.lab.settings import CHOICES, LIMITS, OWN, PRESETS, SCENARIO_DEFAULTS, LabSettings
from regcls.plotting import errors
from regcls.plotting.chart import Picture

through_app()

TICK_SECONDS = 0.05  # how soon the browser asks for the next turn of a run that plays
TURN_SECONDS = 1.5  # trains and redraws without asking, then redraws what changes slowly
SLICE_SECONDS = 0.08  # training between two redraws
WHOLE_NUMBERS = ("C", "samples", "batch", "classes", "seed", "repeats", "epochs")


def key(name: str) -> str:
    return f"lab_{name}"


def show(settings: LabSettings) -> None:
    """Set every widget to these settings."""
    for name, value in asdict(settings).items():
        st.session_state[key(name)] = "-".join(map(str, value)) if name == "hidden" else value


def first_settings() -> None:
    """Before the first widget: the address, else what this visitor had set before, else defaults."""
    if key("seed") in st.session_state:
        return
    query = st.query_params.to_dict()
    settings, messages = last_settings(), []
    if query:
        settings, messages = LabSettings.from_query(query)
    st.session_state["lab_messages"] = messages
    stop()  # coming back to the page does not start anything by itself
    show(settings)


def apply_preset() -> None:
    name = st.session_state["lab_preset"]
    if name:
        show(PRESETS[name][0])
        st.session_state["lab_messages"] = []


def apply_scenario() -> None:
    """A scenario brings the paper's λ and learning rate along."""
    for name, value in SCENARIO_DEFAULTS[st.session_state[key("scenario")]].items():
        st.session_state[key(name)] = value


def last_settings() -> LabSettings:
    return st.session_state.get("lab_last", LabSettings())


def remembered(name: str) -> str:
    """The widget's key; a widget that was hidden for a while gets its value back."""
    st.session_state.setdefault(key(name), getattr(last_settings(), name))
    return key(name)


def number(name: str, label: str, help: str, **options) -> None:
    low, high = LIMITS[name]
    kind = int if name in WHOLE_NUMBERS else float
    st.number_input(label, kind(low), kind(high), key=remembered(name), help=help, **options)


def choice(name: str, label: str, help: str, **options) -> None:
    st.selectbox(label, CHOICES[name], key=key(name), help=help, **options)


def data_controls() -> None:
    st.selectbox(
        "Function",
        range(int(LIMITS["function"][1]) + 1),
        format_func=lambda n: f"{n} of the paper's ten" if n else "my own",
        key=key("function"),
        help="f(x) = A sin(Cx) + (1.5 − A) sin(⌊C/3⌋x) on −1 ≤ x ≤ 1.",
    )
    if not st.session_state[key("function")]:
        number("A", "A", "Weight of the fast sine; the slow one gets 1.5 − A.", step=0.05)
        number("C", "C", "Frequency of the fast sine; the slow one has a third of it.")
    choice(
        "scenario",
        "Scenario",
        "clean; noisy targets; or ood: training, validation and test on separate pieces of x. "
        "Choosing one sets the paper's λ and learning rate for it.",
        on_change=apply_scenario,
    )
    choice(
        "sampling",
        "Sampling of the training targets",
        "uniform, or most targets around a random peak, within ±30 % (mild), ±10 % (moderate) or "
        "±3 % (severe) of the range. Tests are always sampled uniformly.",
    )
    if st.session_state[key("sampling")] == OWN:
        low, high = LIMITS["imbalance"]
        st.slider(
            "Half-width of the peak, as a share of the range",
            low,
            high,
            key=remembered("imbalance"),
            help="Smaller is more imbalanced. The paper's are 0.3, 0.1 and 0.03.",
        )
    if st.session_state[key("scenario")] == "noisy":
        number("noise", "Noise (standard deviation, in y)", "The paper's is 0.1.", step=0.05)
    number("samples", "Samples", "A third of them trains. The paper's 60 000.", step=3000)


def network_controls() -> None:
    st.text_input(
        "Hidden layers",
        key=key("hidden"),
        help="Units of each hidden layer, such as 6-15 (the paper's).",
    )
    choice("activation", "Activation", "The paper's is ReLU.")
    choice("bins", "Bins", "How targets are cut into classes; equalized bins are the paper's best.")
    number("classes", "Classes C", "The paper tries 4, 16, 64, 256 and 1024.")


def loss_controls() -> None:
    number("weight", "λ", "reg+cls minimises λ · regression loss + class loss.", format="%g")
    number(
        "loss_scale",
        "Loss scale of reg",
        "Multiplies plain reg's loss. The control is always reg with this set to λ.",
        format="%g",
    )
    choice("reg_loss", "Regression loss", "Mean squared, mean absolute or Huber.")
    choice("class_loss", "Class loss", "Hard labels, or a Gaussian around the target (HL-Gauss).")


def training_controls() -> None:
    choice("optimiser", "Optimiser", "The paper's is Adam, with L2 in the gradient.")
    number("lr", "Learning rate", "The paper: 1e-3 clean, 1e-2 noisy, 1e-4 ood.", format="%g")
    number("weight_decay", "Weight decay", "The paper's is 1e-3.", format="%g")
    number("batch", "Batch", "The paper's is 256. The last short batch is dropped.")
    number("epochs", "Epochs", "The paper trains for 80.")
    number("repeats", "Repeats R", "Runs of each model, each with its own data and first weights.")
    number("seed", "Seed", "Run r takes seed + r for its data and its first weights.")


def controls() -> LabSettings:
    """The sidebar. Stops the page with a sentence when the settings do not work together."""
    with st.sidebar:
        st.selectbox(
            "Preset",
            list(PRESETS),
            index=None,
            placeholder="Choose an experiment",
            key="lab_preset",
            on_change=apply_preset,
        )
        for title, part, opened in (
            ("Data", data_controls, True),
            ("Network and classes", network_controls, False),
            ("Losses", loss_controls, False),
            ("Training", training_controls, False),
        ):
            with st.expander(title, expanded=opened):
                part()
        st.caption("The paper: 60 000 samples, 80 epochs, five data seeds a function.")
    values = {
        f.name: st.session_state.get(key(f.name), getattr(last_settings(), f.name))
        for f in fields(LabSettings)
    }
    try:
        return LabSettings(**{**values, "hidden": lab_settings.parse_hidden(values["hidden"])})
    except ValueError as error:
        st.session_state["lab_playing"] = False
        st.error(f"These settings do not work: {error}.")
        st.stop()


def stop() -> None:
    st.session_state["lab_playing"] = False


def play() -> None:
    st.session_state["lab_playing"] = True


def reset() -> None:
    st.session_state.pop("lab", None)
    stop()


def one_epoch() -> None:
    stop()
    st.session_state["lab_one_epoch"] = True


def remember(settings: LabSettings) -> None:
    """Put the settings into the address; a change of settings starts a new run."""
    if st.session_state.get("lab_last") != settings:
        st.session_state.pop("lab", None)
        st.session_state["lab_last"] = settings
        if lab_cost.estimate(settings).warning:
            stop()  # what takes long starts only when asked to
    query = settings.to_query()
    if st.query_params.to_dict() != query:
        st.query_params.from_dict(query)


def buttons(run: lab_run.Lab | None, cost: Estimate) -> None:
    playing = st.session_state.get("lab_playing", False)
    able = cost.fits and not (run and run.done)
    with st.container(horizontal=True, vertical_alignment="center"):
        if playing:
            st.button("Pause", on_click=stop, type="primary", icon=":material/pause:")
        else:
            label = "Start anyway" if cost.warning and not run else "Play"
            st.button(
                label,
                on_click=play,
                type="primary",
                icon=":material/play_arrow:",
                disabled=not able,
            )
        st.button("One epoch", on_click=one_epoch, icon=":material/skip_next:", disabled=not able)
        st.button("Reset", on_click=reset, icon=":material/replay:", disabled=run is None)


def started(settings: LabSettings, cost: Estimate) -> lab_run.Lab | None:
    """The run of these settings, made when Play or One epoch asks for it."""
    wanted = st.session_state.get("lab_playing") or st.session_state.get("lab_one_epoch")
    if "lab" not in st.session_state and wanted and cost.fits:
        with st.spinner("Making the data and the networks…"):
            st.session_state["lab"] = lab_run.Lab(settings)
    run = st.session_state.get("lab")
    if run and st.session_state.pop("lab_one_epoch", False):
        run.advance_epoch()
    return run


def draw(place, picture: Picture) -> None:
    place.vega_lite_chart(picture.live, width="stretch", alt=picture.caption)


def draw_caption(place, picture: Picture) -> None:
    place.caption(picture.caption)


def progress(place, run: lab_run.Lab) -> None:
    left = run.seconds_left
    words = f"Epoch {run.epoch} of {run.settings.epochs}"
    if run.done:
        words += ", finished"
    elif left is not None:
        words += f", about {left:.0f} s of training left"
    place.progress(min(run.step / run.total_steps, 1.0), text=words)


def shown_run(run: lab_run.Lab) -> int | None:
    picked = st.session_state.get("lab_shown", "All runs")
    return None if picked == "All runs" else int(picked.split()[1]) - 1


def prediction_picture(run: lab_run.Lab, one: int | None) -> Picture:
    return lab_charts.predictions(
        run.prediction_bands(run=one),
        lab_data.function_curve(run.settings),
        run.data.target_density(one),
        run.data.input_density(one),
        run.data.limits,
        run.settings.repeats if one is None else 1,
    )


def history_picture(run: lab_run.Lab) -> Picture:
    return lab_charts.history(run.history_bands(), run.settings.epochs, run.settings.repeats)


def errors_picture(run: lab_run.Lab, one: int | None, around: bool) -> Picture:
    target = "target y, from the run's training peak" if around else "target y"
    return errors.errors_per_range(run.errors(one, around), "", target)


def class_picture(run: lab_run.Lab, one: int | None) -> Picture:
    function = lab_data.function_curve(run.settings)
    return lab_charts.class_map(run.class_probabilities(run=one), function, run.data.limits)


def live(run: lab_run.Lab) -> None:
    """All charts. While the run plays, one call trains and redraws for a while on its own.

    The browser asks for the next call by a timer, so a page that is left or closed stops; and
    between two redraws any click is heard.
    """
    one, until = shown_run(run), time.monotonic() + TURN_SECONDS
    bar = st.empty()
    left, right = (column.container() for column in st.columns(2))
    function, history = left.empty(), right.empty()
    draw_caption(left, prediction_picture(run, one))
    draw_caption(right, history_picture(run))
    slow = st.container()
    while True:
        playing = st.session_state.get("lab_playing", False)
        if playing:
            run.advance(seconds=SLICE_SECONDS)
        progress(bar, run)
        draw(function, prediction_picture(run, one))
        draw(history, history_picture(run))
        if slow is not None:
            with slow:
                slow_charts(run)
            slow = None
        if playing and run.done:
            stop()
            st.rerun()
        if not playing or time.monotonic() > until:
            return


def slow_charts(run: lab_run.Lab) -> None:
    """What changes slowly: the verdict, the errors per range, the class head."""
    verdict(run)
    one = shown_run(run)
    pictures = errors_picture(run, one, around_peak(run)), class_picture(run, one)
    for column, picture in zip(st.columns(2), pictures, strict=True):
        draw(column, picture)
        draw_caption(column, picture)


def around_peak(run: lab_run.Lab) -> bool:
    return run.has_peaks and st.session_state.get("lab_axis", "from the peak") == "from the peak"


def verdict(run: lab_run.Lab) -> None:
    st.subheader(f"Verdict after {run.epoch} epochs", anchor=False)
    for column, one in zip(st.columns(2), run.verdicts(), strict=True):
        with column.container(border=True):
            st.markdown(f"**{one.words}**")
            st.markdown(one.numbers)


def view_controls(run: lab_run.Lab) -> None:
    with st.container(horizontal=True):
        runs = ["All runs", *(f"Run {r + 1}" for r in range(run.settings.repeats))]
        st.selectbox("Show", runs, key="lab_shown", width=160)
        if run.has_peaks:
            st.segmented_control(
                "Target ranges",
                ["from the peak", "as they are"],
                default="from the peak",
                key="lab_axis",
                required=True,
                help="Each run has its own training peak. Measured from it, the frequent targets "
                "of all runs lie at 0.",
            )


def downloads(run: lab_run.Lab) -> None:
    """Each file is made when its button is clicked."""
    one = shown_run(run)
    pictures = {
        "function": lambda: prediction_picture(run, one),
        "history": lambda: history_picture(run),
        "errors": lambda: errors_picture(run, one, around_peak(run)),
        "classes": lambda: class_picture(run, one),
    }
    with st.expander("Downloads"):
        with st.container(horizontal=True):
            file("History (CSV)", lambda: run.history.to_csv(index=False), "history.csv")
            table = lambda: run.errors(one, around_peak(run)).table()
            file("Errors (CSV)", lambda: table().to_csv(index=False), "errors.csv")
            shown = one or 0
            label = f"Networks of run {shown + 1} (ONNX)"
            file(label, lambda: run.onnx_zip(shown), "regcls-lab.zip")
        with st.container(horizontal=True):
            for name, make in pictures.items():
                file(f"{name} PNG", lambda m=make: m().png(), f"{name}.png")
                file(f"{name} SVG", lambda m=make: m().svg(), f"{name}.svg")


def file(label: str, make, name: str) -> None:
    """A button that does not rerun the page, so a second click cannot cross the first."""
    st.download_button(label, make, name, on_click="ignore")


def before_the_start(settings: LabSettings, cost: Estimate) -> None:
    """What there is to see before anything trains: the function alone."""
    picture = lab_charts.function(lab_data.function_curve(settings))
    draw(st, picture)
    draw_caption(st, picture)
    st.info(
        f"Press **Play**: {settings.repeats} networks of each kind learn this function. That is "
        f"about {max(cost.seconds, 1):.0f} s of training, and longer with the drawing.",
        icon=":material/play_arrow:",
    )


st.title("Lab", anchor=False)
st.markdown(
    "**reg** learns the value; **reg+cls** also learns which target range it falls in; the "
    "**control** is reg with the same loss scale as reg+cls, which tells the two causes apart."
)
first_settings()
settings = controls()
remember(settings)
for message in st.session_state.get("lab_messages", []):
    st.warning(message)
preset = st.session_state.get("lab_preset")
if preset and PRESETS[preset][0] == settings:
    st.caption(f"**{preset}.** {PRESETS[preset][1]}")
cost = lab_cost.estimate(settings)
if cost.warning and "lab" not in st.session_state:
    st.warning(cost.warning)
bar = st.container()
run = started(settings, cost)
with bar:
    buttons(run, cost)
if run is None:
    before_the_start(settings, cost)
else:
    playing = st.session_state.get("lab_playing", False)
    view_controls(run)
    st.fragment(live, run_every=TICK_SECONDS if playing else None)(run)
    downloads(run)
with st.expander("How to read this"):
    st.markdown(
        "Each run draws its own data for the same function: many targets near a peak, few "
        "elsewhere. **reg** minimises the squared error; **reg+cls** adds a class head and "
        "cross-entropy, with the regression loss λ times as large; the **control** is reg with that "
        "λ alone. All are tested on uniformly sampled targets. Lines are medians over runs, bands "
        "the middle 80 %. In the chart of errors per range, compare the left-out ranges, where the "
        "grey histogram is low. The verdict counts as clear only if its interval leaves out zero."
    )
