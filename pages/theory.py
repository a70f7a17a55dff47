"""Theory: what imbalance adds to the loss, for regression and for classification, computed exactly."""

from __future__ import annotations

import streamlit as st

from pages import through_app
from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms
from regcls.theory import trained as theory_trained

through_app()

CLASSES = (4, 16, 64, 256)
SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)
NAMED = {1.0: "uniform", 0.3: "mild (0.3)", 0.1: "moderate (0.1)", 0.03: "severe (0.03)"}
ABOUT = {
    "ideal": "ideal: knows the function",
    "reg": "reg, trained now",
    "control": "control, trained now",
    "reg+cls": "reg+cls, trained now",
}
# Each control: its key in the address, what it may be, its default, and how it is read.
CONTROLS = {
    "function": (tuple(range(1, len(synthetic_data.FUNCTIONS) + 1)), 1, int),
    "seed": (tuple(range(5)), 0, int),
    "s": (terms.WIDTHS, 0.03, float),
    "model": (terms.MODELS, "ideal", str),
    "sigma": (SIGMAS, 0.1, float),
    "classes": (CLASSES, 16, int),
}


def from_address() -> None:
    """First values of all controls; what is not offered gives way to the nearest, and is told."""
    for name, (offered, default, read) in CONTROLS.items():
        key = f"theory_{name}"
        if key in st.session_state:
            continue
        asked = st.query_params.get(name)
        value = default if asked is None else nearest(asked, offered, default, read)
        if asked is not None and str(value) != asked:
            st.toast(f"{name}={asked} is not offered, so {value} is taken.")
        st.session_state[key] = value


def nearest(asked: str, offered: tuple, default, read):
    try:
        value = read(asked)
    except ValueError:
        return default
    if value in offered:
        return value
    return default if read is str else min(offered, key=lambda one: abs(one - value))


def to_address() -> None:
    values = {name: st.session_state[f"theory_{name}"] for name in CONTROLS}
    wanted = {n: str(v) for n, v in values.items() if v != CONTROLS[n][1]}
    if st.query_params.to_dict() != wanted:
        st.query_params.from_dict(wanted)


def controls() -> None:
    st.select_slider(
        "Imbalance: half width s of the training peak", terms.WIDTHS, key="theory_s",
        format_func=lambda s: NAMED.get(s, f"{s:g}"),
        help="Most training targets lie within ± s of the target's range around a peak; every "
        "target still gets a few. s = 1 is uniform.",
    )  # fmt: skip
    st.selectbox(
        "Model", terms.MODELS, key="theory_model", format_func=ABOUT.get,
        help="An ideal model errs by Gaussian noise alone. A trained one is taken as a Gaussian "
        "around its prediction, as wide as its error on uniform test points.",
    )  # fmt: skip
    ideal = st.session_state["theory_model"] == "ideal"
    st.select_slider(
        "Noise σ of the ideal model (units of y)", SIGMAS, key="theory_sigma", disabled=not ideal
    )
    st.selectbox("Number of classes C", CLASSES, key="theory_classes")
    left, right = st.columns(2)
    left.selectbox("Function", CONTROLS["function"][0], key="theory_function")
    right.selectbox("Data seed", CONTROLS["seed"][0], key="theory_seed")


@st.cache_data(show_spinner="Training the Lab's three models on this data, some seconds…")
def trained(function: int, seed: int, width: float):
    return theory_trained.trained_cases(function, seed, width)


@st.cache_data(show_spinner=False)
def over_imbalance(function: int, seed: int, sigma: float):
    return terms.by_imbalance(synthetic_data.FUNCTIONS[function - 1], seed, sigma)


def chosen_case() -> terms.Case:
    function, seed, width, model, sigma = (
        st.session_state[f"theory_{name}"] for name in ("function", "seed", "s", "model", "sigma")
    )
    if model != "ideal":
        return trained(function, seed, width)[model]
    return terms.ideal_case(synthetic_data.FUNCTIONS[function - 1], seed, width, sigma)


def show(case: terms.Case) -> None:
    model = st.session_state["theory_model"]
    regression = terms.regression(case)
    table = terms.per_range(case, {"regression": regression})
    picture = theory_charts.per_range(table, "Regression")
    st.vega_lite_chart(picture.live, key="theory_regression")
    st.caption(picture.caption)
    kinds = {}
    for kind in theory_charts.KINDS:
        edges, priors = terms.class_priors(case, kind, st.session_state["theory_classes"])
        kinds[kind] = terms.classification(case, edges, priors)
        if kind == "equalized":
            left = f"{len(priors)} classes are left of {st.session_state['theory_classes']}."
    classes = terms.per_range(case, kinds)
    picture = theory_charts.by_bins(classes)
    st.vega_lite_chart(picture.live, key="theory_classes_chart")
    st.caption(f"{picture.caption} Equalized: {left}")
    worst = max(one.residual for one in (regression, *kinds.values()))
    st.success(
        f"The three terms add up: over {len(case.y)} test points and all losses above, the loss "
        f"under imbalance differs from balanced loss + gap by at most {worst:.0e} nats.",
        icon=":material/check:",
    )
    sigma = st.session_state["theory_sigma"]
    if model == "ideal":
        where = (st.session_state[f"theory_{name}"] for name in ("function", "seed"))
        picture = theory_charts.over_imbalance(
            over_imbalance(*where, sigma), st.session_state["theory_s"]
        )
        st.vega_lite_chart(picture.live, key="theory_imbalance")
        st.caption(picture.caption)
    downloads(table, classes)


def downloads(table, classes) -> None:
    import pandas as pd

    both = pd.concat((table, classes.assign(model="classification, " + classes["model"])))
    with st.container(horizontal=True):
        st.download_button(
            "Table as CSV", both.to_csv(index=False), "theory.csv", "text/csv",
            icon=":material/download:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Chart as SVG", theory_charts.per_range(table, "Regression").svg, "theory.svg",
            "image/svg+xml", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def words() -> None:
    with st.expander("How to read this, and where it comes from", expanded=False):
        st.markdown(
            "Train with targets distributed as $p(y)$, and ask for balanced errors: every target "
            "counts alike. If $p(x\\mid y)$ stays the same, a model of the imbalanced data and one "
            "of balanced data are tied together (Ren, Zhang, Yu, Liu: *Balanced MSE for imbalanced "
            "visual regression*, CVPR 2022):"
        )
        st.latex(
            r"-\log p_{imb}(y\mid x) = -\log p_{bal}(y\mid x)"
            r"\;\underbrace{-\log p(y) + \log\!\int\! p_{bal}(y'\mid x)\,p(y')\,dy'}_{\text{gap}}"
        )
        st.markdown(
            "The gap is what imbalance adds to the loss of one sample. It is zero where $p$ is flat "
            "and large for rare targets, most of all for those that lie next to frequent ones: "
            "there the model expects a frequent target and meets a rare one.\n\n"
            "For a classifier over bins, class priors $\\pi_c$ take the place of $p(y)$:"
        )
        st.latex(
            r"-\log p_{imb}(c\mid x) = -\log p_{bal}(c\mid x)"
            r"-\log \pi_c + \log\sum_{c'} p_{bal}(c'\mid x)\,\pi_{c'}"
        )
        st.markdown(
            "Equalized bins merge rare ranges and drop labels of frequent ones until all priors "
            "are alike; then the sum and the prior cancel, and the gap is gone (Pintea, Lin, "
            "Dijkstra, van Gemert: *A step towards understanding why classification helps "
            "regression*, ICCV 2023). That is the argument for a classification loss beside the "
            "regression loss. What it is worth in training is another question: see the **Study**, "
            "and its control.\n\n"
            "Everything here is computed, not fitted: the integral by Gauss-Legendre quadrature, "
            "and the imbalanced model's normalisation by closed-form Gaussian masses, so that the "
            "sum of the terms is a check and not a definition. Losses are in nats; $p$ is relative "
            "to the balanced density."
        )


st.title("Theory: what imbalance adds")
st.markdown(
    "Slide the imbalance and see the loss of rare targets grow by exactly one term. Equalized bins "
    "remove that term from the classification loss."
)
from_address()
left, right = st.columns([1, 2], gap="medium")
with left:
    controls()
    to_address()
with right:
    show(chosen_case())
    words()
