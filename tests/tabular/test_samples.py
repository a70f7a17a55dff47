"""Sample tables: real data with a usable target."""

from __future__ import annotations

import pytest

from regcls.exceptions import UserError
from regcls.tabular import columns, samples


@pytest.mark.parametrize("name", samples.SAMPLES)
def test_samples_are_real_tables_with_their_target(name):
    sample = samples.SAMPLES[name]
    table = samples.load(name)
    found = columns.make_problem(table, sample.target, sample.leave_out or None, sample.group)
    assert len(found.y) > 150 and not [s for s in found.suspicions if s.certain]
    with pytest.raises(UserError, match="no sample"):
        samples.load("toy")
