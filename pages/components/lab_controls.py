"""The Lab's settings as widgets, whose keys are the settings' names."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import streamlit as st

from regcls.lab.settings import CHOICES, LIMITS, OWN, SCENARIO_DEFAULTS, LabSettings

SCENARIO_SETTING = {  # name, label and help
    "noisy": ("noise", "Noise (standard deviation in y)", "The paper uses 0.1."),
    "ood": ("overlap", "Overlap of the x intervals", "The authors use 0.25; 0 separates them."),
}


def key(name: str) -> str:
    """Return the widget key of a setting."""
    return f"lab_{name}"


def set_widgets(settings: LabSettings) -> None:
    """Set every widget to these settings."""
    for name, value in asdict(settings).items():
        st.session_state[key(name)] = "-".join(map(str, value)) if name == "hidden" else value


def apply_scenario() -> None:
    """Set the paper's λ and learning rate for the scenario picked."""
    for name, value in SCENARIO_DEFAULTS[st.session_state[key("scenario")]].items():
        st.session_state[key(name)] = value


def restored(name: str) -> str:
    """Return the key of a widget; one that was hidden meanwhile gets its last valid value back."""
    st.session_state.setdefault(key(name), getattr(st.session_state["lab"].settings, name))
    return key(name)


def number(name: str, label: str, help: str, **options: Any) -> None:
    """Draw the input of a number."""
    low, high = map(type(getattr(LabSettings, name)), LIMITS[name])
    st.number_input(label, low, high, key=restored(name), help=help, **options)


def choice(name: str, label: str, help: str, **options: Any) -> None:
    """Draw the choice of a setting with a few values."""
    st.selectbox(label, CHOICES[name], key=key(name), help=help, **options)


def sidebar() -> None:
    """Draw all settings in the sidebar, folded: the results come first."""
    with st.sidebar:
        for title, draw in (
            ("Data", data_controls),
            ("Network and classes", network_controls),
            ("Losses", loss_controls),
            ("Training", training_controls),
        ):
            with st.expander(title, expanded=False):
                draw()


def data_controls() -> None:
    """Draw the settings of the data."""
    st.selectbox(
        "Function",
        range(int(LIMITS["function"][1]) + 1),
        format_func=lambda number: f"Function {number}" if number else "Custom function",
        key=key("function"),
        help="f(x) = A sin(Cx) + (1.5 − A) sin(⌊C/3⌋x) for −1 ≤ x ≤ 1. Functions 1 to 10 are the "
        "paper's.",
    )
    if not st.session_state[key("function")]:
        number("A", "Amplitude A", "Of the fast sine; the slow one has 1.5 − A.", step=0.05)
        number("C", "Frequency C", "Frequency of the fast sine; the slow one has ⌊C/3⌋.")
    choice(
        "scenario",
        "Scenario",
        "clean; noisy: Gaussian noise on the targets; ood (out of distribution): training, "
        "validation and test inputs come from different intervals of x. Each scenario sets the "
        "paper's λ and learning rate.",
        on_change=apply_scenario,
    )
    choice(
        "sampling",
        "Sampling of the training targets",
        "uniform, or most targets around a random peak: within ±30% (mild), ±10% (moderate), "
        "±3% (severe) or any share (own) of the target range. Test targets are always sampled "
        "uniformly.",
    )
    if st.session_state[key("sampling")] == OWN:
        low, high = LIMITS["imbalance"]
        st.slider(
            "Half-width of the peak (share of the target range)",
            low,
            high,
            key=restored("imbalance"),
            help="A narrower peak means more imbalance. The paper uses 0.3, 0.1 and 0.03.",
        )
    if setting := SCENARIO_SETTING.get(st.session_state[key("scenario")]):
        number(*setting, step=0.05)
    number("samples", "Samples", "One third is for training. The authors' code makes 65 115.")


def network_controls() -> None:
    """Draw the settings of the networks."""
    st.text_input(
        "Hidden layers",
        key=key("hidden"),
        help="Number of units per layer, separated by hyphens. The paper uses 6-15.",
    )
    choice("activation", "Activation", "The paper uses ReLU.")
    choice(
        "bins",
        "Bins",
        "How the target range is divided into classes. In the paper, equalized bins perform best.",
    )
    number("classes", "Classes", "Number of classes. The paper uses 4, 16, 64, 256 and 1024.")


def loss_controls() -> None:
    """Draw the settings of the losses."""
    number(
        "weight",
        "λ",
        "Weight of the regression loss of reg+cls, which minimises λ · regression loss + "
        "classification loss.",
        format="%g",
    )
    number(
        "loss_scale",
        "Loss scale of reg",
        "Factor of the regression loss of reg. For the control, it is always λ.",
        format="%g",
    )
    choice("reg_loss", "Regression loss", "Squared error, absolute error or Huber loss.")
    choice(
        "class_loss",
        "Classification loss",
        "Cross-entropy with hard labels, or with a Gaussian around the target (HL-Gauss).",
    )


def training_controls() -> None:
    """Draw the settings of training."""
    choice("optimiser", "Optimiser", "The paper uses Adam with L2 regularisation.")
    number(
        "lr",
        "Learning rate",
        "The paper uses 1e-3 (clean), 1e-2 (noisy) and 1e-4 (ood).",
        format="%g",
    )
    number("weight_decay", "Weight decay", "The paper uses 1e-3.", format="%g")
    number("batch", "Batch size", "The paper uses 256. The last incomplete batch is dropped.")
    number("epochs", "Epochs", "The paper uses 80.")
    number(
        "repeats",
        "Repeats",
        "Number of runs of each model. Each run has its own data and initial weights.",
    )
    number("seed", "Seed", "Seed of the first run; each further run uses the next number.")
