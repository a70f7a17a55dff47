"""How often comparisons of Your table are wrong, and how often they find a true gain.

    python -m tests.simulations.table                    # surrogate tables, in seconds
    python -m tests.simulations.table --real 60          # real training; keeps what is trained

A surrogate table has the layout of a comparison (rows × trained models, five folds per repeat, rare
target ranges down to five rows) and errors drawn from a model. The signed error of row i, in range
k, by the model of fold j of one kind is

    s_k · q_i · exp(MODEL · m_jk) · (u_i + ROW · v_i + CELL · c_ij),

where s_k grows with the range, q_i is log-normal (heavy tails), u_i is what all kinds have in
common, v_i what a kind has in common over its trained models, m_jk the level of one trained model in
one range, and c_ij the rest; groups share half the variance of u_i and v_i. The sizes below give
about the median standard errors of the balanced share that real training gives (`components`):

                          rows     models   predictions
    300 rows, quick       0.049    0.055    0.049   (30 tables; surrogate 0.050, 0.049, 0.050)
    2 000 rows, normal    0.027    0.031    0.030   (6 tables; surrogate 0.025, 0.027, 0.025)

They are also those of an earlier review: the bootstrap of rows and models that it examined finds a
gain of 9% in 54% of these tables at the normal budget, as it reported.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from regcls.stats.verdicts import BETTER, EQUAL, WORSE
from regcls.tabular.intervals import Difference, Estimate, HeldOut, differences
from regcls.tabular.results import PRIMARY_WEIGHTS

ROW, MODEL, CELL = 0.045, 0.085, 0.12
DIFFICULTY = 0.6  # standard deviation of log q
FOLDS, RANGES, SMALLEST_RANGE = 5, 8, 5
GAIN = 0.09
GROUP_SIZE = 10


@dataclass(frozen=True)
class Design:
    """Rows, repeats of the cross-validation and whether rows come in groups."""

    rows: int
    repeats: int
    grouped: bool = False
    noise: float = 1.0  # factor of ROW, MODEL and CELL

    @property
    def name(self) -> str:
        budget = {1: "quick", 2: "normal", 4: "thorough"}[self.repeats]
        return f"{self.rows} rows{' in groups' if self.grouped else ''}, {budget}"


DESIGNS = (Design(300, 1), Design(300, 1, True), Design(2000, 1), Design(2000, 2))


class Tables:
    """Surrogate tables of one design.

    Parameters
    ----------
    design : Design
        Layout of all tables.
    rng : Generator
        Source of folds and errors.
    """

    def __init__(self, design: Design, rng: np.random.Generator) -> None:
        self.design, self.rng = design, rng
        n = design.rows
        share = 0.5 ** np.arange(1, RANGES + 1)
        counts = np.maximum(np.round(n * share), SMALLEST_RANGE).astype(int)
        counts[0] += n - counts.sum()
        self.group = np.arange(n) // GROUP_SIZE if design.grouped else np.arange(n)
        self.range_index = np.repeat(np.arange(RANGES), counts)
        if design.grouped:  # a group has rows in neighbouring ranges
            self.range_index = self._shuffled_nearby(self.range_index)
        self.row = np.tile(np.arange(n), design.repeats)
        folds = [self._folds() + FOLDS * repeat for repeat in range(design.repeats)]
        self.model = np.concatenate(folds)
        self.held_out = HeldOut(self.group[self.row], self.model, self.range_index[self.row])

    def _folds(self) -> np.ndarray:
        """Assign groups to folds, stratified by range."""
        groups = self.group.max() + 1
        order = np.argsort(np.bincount(self.group, self.range_index) + self.rng.random(groups))
        fold = np.empty(groups, np.int64)
        for start in range(0, groups, FOLDS):
            block = order[start : start + FOLDS]
            fold[block] = self.rng.permutation(FOLDS)[: len(block)]
        return fold[self.group]

    def _shuffled_nearby(self, values: np.ndarray) -> np.ndarray:
        return values[np.argsort(np.arange(len(values)) + 100 * self.rng.random(len(values)))]

    def _effects(self) -> np.ndarray:
        """Draw unit-variance effects of rows; groups share half the variance."""
        own = self.rng.normal(size=self.design.rows)
        if not self.design.grouped:
            return own
        return (own + self.rng.normal(size=self.group.max() + 1)[self.group]) / np.sqrt(2)

    def draw(self, kinds: int) -> list[np.ndarray]:
        """Return the absolute errors (N,) of exchangeable kinds on a new table."""
        scale = 1.4**self.range_index * np.exp(DIFFICULTY * self.rng.normal(size=self.design.rows))
        common, where, noise = self._effects(), self.range_index[self.row], self.design.noise
        found = []
        for _ in range(kinds):
            row = (common + noise * ROW * self._effects())[self.row]
            levels = self.rng.normal(size=(self.model.max() + 1, RANGES))
            level = np.exp(noise * MODEL * levels)[self.model, where]
            cell = noise * CELL * self.rng.normal(size=len(self.row))
            found.append(scale[self.row] * level * np.abs(row + cell))
        return found

    def estimate(self, a: np.ndarray, b: np.ndarray, only: int | None = None) -> Estimate:
        return self.held_out.estimate(a, b, only=only)


def simulate(design: Design, tables: int, seed: int = 0) -> dict[str, float]:
    """Return the rates of verdicts on tables without any difference, and with a true gain."""
    drawn = Tables(design, np.random.default_rng(seed))
    found = [_verdicts(drawn) for _ in range(tables)]
    shares = np.array([one.pop("share of a gain") for one in found])
    # No interval of the right coverage finds more: its standard error would have to be known.
    known = float(np.mean(shares < -1.96 * shares.std()))
    return _rates(found) | {f"{GAIN:.0%} gain found at known variance": known}


def _verdicts(tables: Tables) -> dict[str, float]:
    """Return what is decided on one table, as 0 or 1."""
    first, reg, control = tables.draw(3)
    primary = [tables.estimate(first, other) for other in (reg, control)]
    ranges = [tables.estimate(first, o, k) for k in range(RANGES) for o in (reg, control)]
    gain = [tables.estimate((1 - GAIN) * first, other) for other in (reg, control)]
    alone = differences(primary[:1])[0]
    return {
        "decided, one null comparison": _decided(alone),
        "decided, any of two null comparisons": max(map(_decided, _primary(primary))),
        "decided, any null target range": max(map(_decided, differences(ranges))),
        "practically equal, null": float(alone.verdict == EQUAL),
        f"{GAIN:.0%} gain found, one comparison": float(differences(gain[:1])[0].verdict == BETTER),
        f"{GAIN:.0%} gain found, first of two": float(_primary(gain)[0].verdict == BETTER),
        "smallest detectable effect": _primary(primary)[0].smallest,
        "share of a gain": gain[0].share,
    }


def _primary(estimates: list[Estimate]) -> list[Difference]:
    """Decide on reg+cls against reg and the control, as `regcls.tabular.results` does."""
    return differences(estimates, weight=PRIMARY_WEIGHTS)


def _decided(difference: Difference) -> float:
    return float(difference.verdict in (BETTER, WORSE))


def _rates(found: list[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([one[name] for one in found])) for name in found[0]}


def rates(tables: int, seed: int = 0) -> dict[str, float]:
    """Return the rates of all designs, from surrogate tables.

    Parameters
    ----------
    tables : int
        Number of tables per design.
    seed : int
        Seed of the tables.

    Returns
    -------
    dict of str to float
        Rates between 0 and 1, by design and name.
    """
    return {
        f"{design.name}: {name}": rate
        for design in DESIGNS
        for name, rate in simulate(design, tables, seed).items()
    }


def components(held_out: HeldOut, a: np.ndarray, b: np.ndarray) -> tuple[float, float, float]:
    """Return the standard errors of the balanced share over rows, models and predictions."""
    layout = held_out._layout("balanced", None)
    error, share = layout.weight @ b, layout.weight @ (a - b) / (layout.weight @ b)
    influence = layout.centred(a - (1 + share) * b) / error
    rows, models, cells = (np.sqrt(c.variance(influence).value) for c in layout.clusters)
    return float(rows), float(models), float(cells)


def trained_rates(tables: int, folder: Path) -> dict[str, float]:
    """Return the rates over tables with real training, half of them with groups.

    Tables that are in the folder are not trained again. Comparisons of one table resemble each
    other, so the standard error of a rate is that of ``tables`` independent ones at most.
    """
    from tests.simulations.table_training import DESIGNS as TRAINED
    from tests.simulations.table_training import stored

    found: dict[str, list[dict[str, float]]] = {design.name: [] for design in TRAINED}
    for i in range(tables):
        design = TRAINED[i % len(TRAINED)]
        trained = stored(design, i // len(TRAINED), folder)
        held_out = HeldOut(trained.unit, trained.model, trained.range_index)
        ranges = range(trained.range_index.max() + 1)
        for a, b in trained.errors.astype(np.float64):
            null = [held_out.estimate(a, b, goal) for goal in ("balanced", "overall")]
            gain = held_out.estimate((1 - GAIN) * a, b)
            each = [held_out.estimate(a, b, only=k) for k in ranges]
            found[design.name].append(
                {
                    "decided, null, balanced": _decided(differences(null[:1])[0]),
                    "decided, null, overall": _decided(differences(null[1:])[0]),
                    "decided, any null target range": max(map(_decided, differences(each))),
                    f"{GAIN:.0%} gain found": float(differences([gain])[0].verdict == BETTER),
                    "smallest detectable effect": differences(null[:1])[0].smallest,
                }
            )
        print(f"\r{i + 1} of {tables} tables", end="", file=sys.stderr, flush=True)
    return {
        f"{name}, {len(one)} comparisons: {what}": rate
        for name, one in found.items()
        if one
        for what, rate in _rates(one).items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description="Rates of wrong verdicts of Your table.")
    parser.add_argument("--tables", type=int, default=1000, help="surrogate tables per design")
    parser.add_argument("--real", type=int, metavar="N", help="train N tables instead")
    parser.add_argument("--folder", type=Path, default=Path("artefacts/simulations"))
    options = parser.parse_args()
    found = trained_rates(options.real, options.folder) if options.real else rates(options.tables)
    for name, rate in found.items():
        print(f"{name:76}{rate:.3f}")


if __name__ == "__main__":
    main()
