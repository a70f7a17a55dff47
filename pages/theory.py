"""Theory: what imbalance adds to the loss of regression and classification, by integration."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from pages import through_app
from pages.components import charts, downloads, url_state
from regcls import formats
from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import records as theory_records
from regcls.theory import terms
from regcls.theory import trained as theory_trained

through_app()

# On a phone, the formula breaks before its signs instead of leaving the screen.
STYLE = """<style>@media (max-width: 640px) {
  .katex-display > .katex { white-space: normal !important; }
}</style>"""
CLASSES = (4, 16, 64, 256)
SIGMAS = (0.02, 0.05, 0.1, 0.2, 0.5)
WIDTH_LABELS = {1.0: "uniform", 0.3: "mild (0.3)", 0.1: "moderate (0.1)", 0.03: "severe (0.03)"}
MODEL_LABELS = {
    "ideal": "ideal (knows the function)",
    "reg": "reg (trained on this data)",
    "control": "control (trained on this data)",
    "reg+cls": "reg+cls (trained on this data)",
}
IDEAL = "ideal"
# Options and default of each control, by its name in the address.
CONTROLS: dict[str, tuple[tuple[Any, ...], Any]] = {
    "function": (tuple(range(1, len(synthetic_data.FUNCTIONS) + 1)), 1),
    "seed": (tuple(range(5)), 0),
    "s": (terms.WIDTHS, 0.03),
    "model": (terms.MODELS, IDEAL),
    "sigma": (SIGMAS, 0.1),
    "classes": (CLASSES, 16),
}


@dataclass(frozen=True)
class Choice:
    """The values of the controls, named as in the address."""

    function: int
    seed: int
    s: float  # half width of the training peak, as a share of the target range
    model: str
    sigma: float  # standard deviation of the ideal model's error
    classes: int

    @property
    def target(self) -> synthetic_data.Function:
        """The function to learn."""
        return synthetic_data.FUNCTIONS[self.function - 1]

    def case(self) -> terms.Case:
        """Return the predictions and training targets of the chosen model."""
        if self.model != IDEAL:
            return trained(self.function, self.seed, self.s)[self.model]
        return terms.ideal_case(self.target, self.seed, self.s, self.sigma)


# Controls


def key(name: str) -> str:
    """Return the widget key of a control."""
    return f"theory_{name}"


def first_values() -> None:
    """Set the controls when the page opens, from the address or to their defaults."""
    for name, (offered, default) in CONTROLS.items():
        if key(name) not in st.session_state:
            value = url_state.choice(name, offered, default, nearest=True)
            st.session_state[key(name)] = value


def controls() -> Choice:
    """Draw the slider and the other controls, folded; return their values."""
    left, middle, right = st.columns([4, 2, 1], vertical_alignment="bottom")
    left.select_slider(
        "Imbalance: half width s of the training peak, narrower to the right",
        terms.WIDTHS,
        key=key("s"),
        format_func=lambda s: WIDTH_LABELS.get(s, f"{s:g}"),
        help="Most training targets lie within ± s of a peak, where s is a share of the target "
        "range. All other targets are rare; s = 1 is uniform.",
    )
    middle.selectbox(
        "Model",
        terms.MODELS,
        key=key("model"),
        format_func=MODEL_LABELS.__getitem__,
        help="The only error of the ideal model is Gaussian noise. A trained model is treated as a "
        "Gaussian around its prediction. Its standard deviation is its RMSE on validation data, "
        "which are sampled like the training data.",
    )
    with right.popover("More", icon=":material/tune:", width="stretch"):
        st.select_slider(
            "Noise σ of the ideal model (units of y)",
            SIGMAS,
            key=key("sigma"),
            disabled=st.session_state[key("model")] != IDEAL,
        )
        st.selectbox("Number of classes C", CLASSES, key=key("classes"))
        st.selectbox("Function", CONTROLS["function"][0], key=key("function"))
        st.selectbox("Data seed", CONTROLS["seed"][0], key=key("seed"))
    values = {name: st.session_state[key(name)] for name in CONTROLS}
    url_state.write(values, {name: default for name, (_, default) in CONTROLS.items()})
    return Choice(**values)


# Results


@st.cache_data(show_spinner="Training reg, the control and reg+cls on this data…")
def trained(function: int, seed: int, width: float) -> dict[str, terms.Case]:
    """Train the Lab's three models; return their cases by name."""
    return theory_trained.trained_cases(function, seed, width)


@st.cache_data(show_spinner=False)
def by_imbalance(function: int, seed: int, sigma: float) -> pd.DataFrame:
    """Return the mean gap of the ideal model for each width of the peak."""
    return terms.by_imbalance(synthetic_data.FUNCTIONS[function - 1], seed, sigma)


@st.cache_data(show_spinner=False)
def by_noise(function: int, seed: int, width: float) -> pd.DataFrame:
    """Return the gap of the ideal model at rare targets for each noise."""
    return terms.by_noise(synthetic_data.FUNCTIONS[function - 1], seed, width)


@st.cache_data(show_spinner=False, max_entries=50)
def tables(
    function: int, seed: int, s: float, model: str, sigma: float, classes: int
) -> theory_records.Tables:
    """Return the terms of both losses per target range."""
    case = Choice(function, seed, s, model, sigma, classes).case()
    return theory_records.tables(case, classes)


def show(choice: Choice) -> None:
    """Show the terms of both losses side by side, and below them what the gap depends on."""
    found = tables(**vars(choice))
    text = theory_charts.settings_text(
        choice.function, choice.seed, choice.s, choice.model, choice.sigma
    )
    left, right = st.columns(2, gap="medium")
    with left:
        picture = theory_charts.per_range(found.regression, "Regression", found.role)
        charts.draw(picture, key="theory_regression", name="theory", settings=text)
    with right:
        charts.draw(
            theory_charts.by_bins(found.classes),
            key="theory_classes_chart",
            name="theory-classes",
            settings=f"{text} {choice.classes} classes.",
        )
    left, right = st.columns(2, gap="medium")
    with left:
        if choice.model == IDEAL:
            gaps = by_imbalance(choice.function, choice.seed, choice.sigma)
            picture = theory_charts.over_imbalance(gaps, choice.s)
            charts.draw(picture, key="theory_imbalance", name="theory-imbalance", settings=text)
    with right:
        show_noise(by_noise(choice.function, choice.seed, choice.s))
        check(found)


def check(found: theory_records.Tables) -> None:
    """Show that the terms add up, and offer the table."""
    st.success(
        f"The three terms add up at {found.points:,} test points: for the regression loss, "
        f"quadrature and closed-form Gaussian masses agree to within {formats.number(found.residual, 1)} nats. This checks "
        "the numerical integration, not the assumptions about the model.",
        icon=":material/check:",
    )
    named = found.classes.assign(model="classification, " + found.classes["model"])
    both = pd.concat((found.regression, named))
    downloads.button("Table (CSV)", lambda: both.to_csv(index=False), "theory.csv")
    st.caption(f"Estimand: {terms.ESTIMAND}.")


def show_noise(table: pd.DataFrame) -> None:
    """Show how the gap of the ideal model vanishes with its noise, where there is one."""
    if table["gap"].any():
        st.markdown("**Ideal model: gap at rare targets by noise**")
        st.dataframe(
            table.assign(share=100 * table["share"]),
            hide_index=True,
            key="theory_noise",
            column_config={
                "sigma": st.column_config.NumberColumn("Noise σ", format="%g"),
                "gap": st.column_config.NumberColumn("Mean gap (nats)", format="%.3f"),
                "share": st.column_config.NumberColumn("Gap > 0.1 nats", format="%.0f%%"),
            },
        )
    st.caption(theory_charts.noise_text(table))


def how_to_read() -> None:
    """Explain the formulas and give their sources."""
    with st.expander("How to read this, and references"):
        st.markdown(
            "A model is trained on targets with density $p(y)$ but evaluated on balanced targets, "
            "where every target value counts equally. If $p(x\\mid y)$ is the same for both, the "
            "losses of the model under imbalanced and balanced data are related as above (Ren, Zhang, "
            "Yu, Liu: *Balanced MSE for Imbalanced Visual Regression*, CVPR 2022)."
        )
        st.markdown(
            "The gap is what imbalance adds to the loss of one sample. It is zero where $p$ is flat "
            "and large for rare targets, most of all for those next to frequent ones: there, the "
            "model expects a frequent target. A model trained with MSE on imbalanced data estimates "
            "the mean of $p_{imb}$, so for a trained model $p_{bal}$ is derived as $p_{bal}(y\\mid "
            "x) \\propto p_{imb}(y\\mid x) / p(y)$.\n\n"
            "For a classifier over bins, class priors $\\pi_c$ take the place of $p(y)$; the "
            "reference $p_{bal}$ then has flat priors over the classes:"
        )
        st.latex(
            r"\small\begin{aligned}&-\log p_{imb}(c\mid x) = -\log p_{bal}(c\mid x) + \text{gap}\\"
            r"&\text{gap} = -\log \pi_c + \log\sum_{c'} p_{bal}(c'\mid x)\,\pi_{c'}\end{aligned}"
        )
        st.markdown(
            "Equalized bins merge rare ranges and drop labels of frequent ones until all priors are "
            "equal; the two terms of this gap then cancel (Pintea, Lin, Dijkstra, van Gemert: *A "
            "step towards understanding why classification helps regression*, ICCV 2023). The "
            "remaining classes differ in width, and training targets are not uniform within them, "
            "so relative to uniform $y$, the reference of the regression loss, a gap remains:"
        )
        st.latex(
            r"\small\text{gap} = \log \mathrm{E}[\tilde p(y')] - "
            r"\log \mathrm{E}[\tilde p(y') \mid y' \in c]"
        )
        st.markdown(
            "Here, $y'$ follows $p_{bal}(\\cdot\\mid x)$, and $\\tilde p$ is the density of the "
            "training targets that keep their label. Whether a classification loss helps in "
            "training is another question: see the **Study** and its control.\n\n"
            "The integral of the regression gap is a Gauss-Legendre quadrature; all other integrals "
            "are sums of closed-form Gaussian masses. Losses are in nats; $p$ is relative to the "
            "uniform density."
        )


st.title("Theory: what imbalance adds to the loss", anchor=False)
st.markdown(
    "Where training targets concentrate in a peak, rare targets next to it get a higher loss. If "
    "imbalance changes only how often each target occurs, it adds one term: the gap."
)
st.html(STYLE)
st.latex(theory_charts.formula(charts.is_dark()))
first_values()
show(controls())
how_to_read()
