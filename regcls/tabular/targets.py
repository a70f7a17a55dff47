"""Which column of a table is the target: the columns that can be, and the likeliest of them."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
import pandas as pd

from regcls.tabular.columns import is_date, to_numbers

FEW_VALUES = 10  # a column of at most so many different integers is rather a count or a code
MANY_VALUES = 20  # more different integers than this are as good as continuous
# Words that name a target in itself, and quantities that tables are made to predict.
_NAMED = {"target", "y", "label", "outcome", "response", "output", "dependent", "truth"}
_NAMED |= {"quality", "rating", "grade", "score"}
_QUANTITIES = {"price", "cost", "sales", "revenue", "income", "salary", "wage", "wages", "rent"}
_QUANTITIES |= {"amount", "value", "demand", "load", "consumption", "yield", "strength", "charges"}
_QUANTITIES |= {"progression", "duration", "tip", "age", "mpg", "medv", "emission", "emissions"}
# Words for what identifies or places a row.
_DESCRIBING = {"id", "index", "row", "number", "nr", "no", "key", "code", "zip", "postcode", "fold"}
_DESCRIBING |= {"year", "month", "day", "hour", "date", "lat", "lon", "lng", "latitude"}
_DESCRIBING |= {"longitude", "split", "unnamed"}


@dataclass(frozen=True)
class Target:
    """A column that can be the target.

    Attributes
    ----------
    column : str
        Name of the column.
    reason : str
        What speaks for it, to follow "guessed", such as "by its name".
    score : float
        How likely it is; higher is likelier.
    """

    column: str
    reason: str
    score: float


def possible_targets(frame: pd.DataFrame) -> list[Target]:
    """Return the numeric columns with at least two different values, the likeliest first.

    A column is likely by its name ("price", "target"), if its values are continuous, and if it is
    the last of the numeric columns. Few different integers, such as a number of rooms, and names
    such as "id" or "year" speak against it.

    Parameters
    ----------
    frame : DataFrame
        The table.

    Returns
    -------
    list of Target
        Equally likely ones in reverse order of the table.

    Examples
    --------
    >>> table = pd.DataFrame({"price": [1.5, 2.5, 9.0], "floor": ["a", "b", "b"], "rooms": [1, 2, 3]})
    >>> [(found.column, found.reason) for found in possible_targets(table)]
    [('price', 'by its name'), ('rooms', 'as the last column of numbers')]
    """
    numeric = {}
    for name in frame.columns:
        numbers = None if is_date(frame[name]) else to_numbers(frame[name])
        if numbers is not None:
            values = np.unique(numbers[np.isfinite(numbers)])
            if len(values) > 1:
                numeric[str(name)] = values
    last = [*numeric][-1:]
    found = [_rated(name, values, [name] == last) for name, values in numeric.items()]
    found.reverse()
    return sorted(found, key=lambda target: -target.score)


def _rated(name: str, values: np.ndarray, last: bool) -> Target:
    """Rate a column by its name, its sorted different values and its place."""
    whole = bool((values == np.round(values)).all())
    few = whole and len(values) <= FEW_VALUES
    continuous = not whole or len(values) > MANY_VALUES
    words = _words(name)
    named = 8 if words & _NAMED else 4 if words & _QUANTITIES else 0
    score = named + 3 * continuous + 2 * last - 5 * few
    # A column that counts the rows, from 0 or 1, identifies them.
    counts = whole and not few and values[0] in (0, 1) and (np.diff(values) == 1).all()
    score -= 6 * (bool(words & _DESCRIBING) or (bool(counts) and not named))
    if named:
        reason = "by its name"
    elif last:
        reason = "as the last column of numbers"
    else:
        reason = "by its values" if continuous else "as a column of numbers"
    return Target(name, reason, score)


def _words(name: str) -> set[str]:
    """Return the words of a column name, in lower case.

    Examples
    --------
    >>> sorted(_words("salePrice_eur2"))
    ['eur', 'price', 'sale']
    """
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    return set(re.findall(r"[a-z]+", spaced.lower()))
