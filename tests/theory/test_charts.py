"""Charts of the theory's terms."""

from __future__ import annotations

from regcls.synthetic import data as synthetic_data
from regcls.theory import charts as theory_charts
from regcls.theory import terms


def test_one_line_per_term_over_the_training_data():
    case = terms.ideal_case(synthetic_data.FUNCTIONS[0], 0, 0.1, 0.1)
    table = terms.per_range(case, {"regression": terms.regression(case)})
    picture = theory_charts.per_range(table, "Regression")
    assert set(picture.data["terms"]["term"]) == {"balanced", "imbalanced", "gap"}
    assert len(picture.data["training"]) == len(table)
    assert picture.svg().startswith(b"<svg")
