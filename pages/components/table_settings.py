"""Settings of a comparison on the page Your table, and how to read its results."""

from __future__ import annotations

import streamlit as st

from pages.components import selection
from regcls.tabular import methods
from regcls.tabular import plan as tabular_plan

BUDGETS = {"quick": "Quick", "normal": "Normal", "thorough": "Thorough"}
GOALS = {"balanced": "Each range", "overall": "Each row"}
DEFAULTS = {"budget": "quick", "goal": "balanced"}


def draw(first_goal: str, first_budget: str) -> tuple[str, str, int]:
    """Draw the settings, with these first choices; return goal, budget and the most target ranges."""
    goal = _segmented(
        "Counts equally",
        GOALS,
        "table_goal",
        first_goal,
        "Error that selects the settings and gives the verdict: the mean absolute error "
        "averaged over target ranges (balanced MAE), or over all rows (MAE).",
    )
    budget = _segmented(
        "Budget",
        BUDGETS,
        "table_budget",
        first_budget,
        "Number of settings tried per kind of model, training steps, and repeats of the "
        "cross-validation.",
    )
    ranges = st.number_input(
        "Target ranges, at most",
        1,
        tabular_plan.MOST_RANGES,
        tabular_plan.RANGES,
        help="Their edges are chosen by the shape of the target, with at least "
        f"{tabular_plan.MIN_ROWS_PER_RANGE} rows in each range.",
        **selection.persistent("table_ranges"),
    )
    return goal, budget, ranges


def _segmented(label: str, options: dict[str, str], name: str, default: str, help: str) -> str:
    """Draw a choice between a few options."""
    return st.segmented_control(
        label,
        list(options),
        format_func=options.__getitem__,
        required=True,
        default=default,
        help=help,
        **selection.persistent(name),
    )


def sources() -> str:
    """Return the methods that have a publication, each with its source."""
    found = (one for one in methods.METHODS.values() if one.source and one.name != "reg+cls")
    return "; ".join(f"**{one.label}** ({one.source})" for one in found)


def how_to_read() -> None:
    """Explain what is compared and how."""
    hidden = " and ".join(map(str, tabular_plan.HIDDEN))
    with st.expander("How to read this", icon=":material/menu_book:"):
        st.markdown(
            f"- **Models.** Small networks with two hidden layers of {hidden} units that differ "
            "only in their loss, or in how they answer. **reg**; the **control**, reg with a tuned loss "
            "scale, since a larger loss alone can help; **reg+cls**, and **classes only**, without a "
            "regression loss. They answer by the value head, by the class head, by the class head "
            "with the class prior removed, by both heads, or recalibrated by a monotone map. "
            "Boosted trees and ridge regression are shown for comparison.\n"
            f"- **Other methods.** {sources()}.\n"
            "- **Equal tuning.** Each kind of model tries the same number of settings; after a quarter "
            "and half of the training, half of them go on (successive halving), and the best is "
            "selected on inner validation rows. Errors are measured on rows used neither for "
            "training nor for selection (nested 5-fold cross-validation, or several seeds where the "
            "table has a split of its own).\n"
            "- **Balanced MAE.** The mean absolute error per target range, averaged over ranges, so "
            "that rare values count as much as frequent ones. **MAE** weights every row equally.\n"
            "- **Intervals** (95%) are for new rows and new training runs on tables like this "
            "one, corrected for the number of comparisons. Remedies are compared with the control. "
            "If an interval includes zero, the table does not show a difference; *practically "
            "equal* means that the interval lies within ±5%."
        )
