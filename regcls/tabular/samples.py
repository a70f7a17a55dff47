"""Sample tables with real data, from packages that are installed anyway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from regcls.exceptions import UserError


@dataclass(frozen=True)
class Sample:
    """A table that ships with a package.

    Attributes
    ----------
    title : str
        Name and size of the table.
    target : str
        Column to predict.
    about : str
        What the table contains, in a sentence or two.
    source : str
        Reference and licence.
    group : str or None
        Column of rows that belong together.
    leave_out : tuple of str
        Columns that are left out by default.
    """

    title: str
    target: str
    about: str
    source: str
    group: str | None = None
    leave_out: tuple[str, ...] = ()


SAMPLES = {
    "diabetes": Sample(
        "Diabetes: 442 patients",
        "progression",
        "Disease progression within one year; high values are rare.",
        "Efron, Hastie, Johnstone and Tibshirani, Least angle regression, Annals of Statistics "
        "2004; shipped with scikit-learn (BSD-3)",
    ),
    "income": Sample(
        "Income: 142 countries",
        "gdpPercap",
        "Income per person, 1952 to 2007; high incomes are rare. All rows of a country are held "
        "out together.",
        "Gapminder (gapminder.org, CC BY 4.0); shipped with plotly (MIT)",
        group="country",
        leave_out=("iso_alpha", "iso_num"),
    ),
    "wine": Sample(
        "Wine colour: 178 wines",
        "color_intensity",
        "Colour intensity from 12 chemical measurements; high intensities are rare.",
        "Forina et al., PARVUS, 1988, through the UCI repository; shipped with scikit-learn (BSD-3)",
    ),
    "tips": Sample(
        "Tips: 244 restaurant bills",
        "tip",
        "Large tips are rare; sex, smoker, day and time are categories.",
        "Bryant and Smith, Practical Data Analysis, 1995; shipped with plotly (MIT)",
    ),
}


def load(name: str) -> pd.DataFrame:
    """Return a sample table.

    Parameters
    ----------
    name : str
        Key in `SAMPLES`.

    Returns
    -------
    DataFrame
        The table.

    Raises
    ------
    UserError
        If there is no such sample.

    Examples
    --------
    >>> load("tips").shape
    (244, 7)
    """
    if name not in SAMPLES:
        raise UserError(f"there is no sample {name!r}; choose one of {', '.join(SAMPLES)}")
    if name in ("diabetes", "wine"):
        return _from_sklearn(name)
    import plotly

    folder = Path(plotly.__file__).parent / "package_data" / "datasets"
    file = {"income": "gapminder.csv.gz", "tips": "tips.csv.gz"}[name]
    return pd.read_csv(folder / file)


def _from_sklearn(name: str) -> pd.DataFrame:
    from sklearn import datasets

    if name == "wine":
        return datasets.load_wine(as_frame=True).data
    frame = datasets.load_diabetes(as_frame=True, scaled=False).frame
    return frame.rename(columns={"target": "progression"})
