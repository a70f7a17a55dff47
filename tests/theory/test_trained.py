"""Cases of models trained in the Lab."""

from __future__ import annotations

import numpy as np
import pytest

from regcls.theory import terms as theory_terms
from regcls.theory import trained


def test_cases_of_trained_models():
    cases = trained.trained_cases(1, 0, 0.1, epochs=2)
    assert list(cases) == ["reg", "control", "reg+cls"]
    for one in cases.values():
        error = np.sqrt(((one.mean - one.y) ** 2).mean())
        assert one.sigma == pytest.approx(error)
        assert theory_terms.regression(one).residual < 1e-6
