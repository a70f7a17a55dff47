"""Fitted models on new rows: predictions of every kind, missing columns."""

from __future__ import annotations

import pytest

from regcls.exceptions import UserError
from regcls.tabular.methods import KINDS
from regcls.tabular.models import predict_rows
from tests.helpers.small_comparison import small_table


def test_new_rows_get_the_predictions_of_all_models(done):
    new = small_table().drop(columns="y").head(5)
    out = predict_rows(done.models, done.plan.problem, new)
    assert list(out) == [*new, *(f"y, {kind}" for kind in KINDS)]
    assert len(out) == 5 and out["y, trees"].notna().all() and out["y, reg+cls"].notna().all()
    with pytest.raises(UserError, match="lack the column “kind”"):
        predict_rows(done.models, done.plan.problem, new[["a", "b"]])
