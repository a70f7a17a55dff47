"""Random tables: what is read equals the numbers that were written, or is asked or refused."""

from __future__ import annotations

from tests.io.fuzz_tables import run

EXAMPLES = 2000
MOST_REFUSED = 0.02  # of the tables whose numbers prove how they are to be read


def test_no_random_table_is_read_differently():
    found = run(EXAMPLES, seed=0)
    counts = found["counts"]
    assert found["failures"] == []
    assert counts["all"] >= EXAMPLES
    lost = counts.get("clear, refused", 0) + counts.get("clear, asked", 0)
    assert lost <= MOST_REFUSED * counts["clear"], found["refusals"][:3]
    assert counts["equal"] > 0.9 * counts["all"]
