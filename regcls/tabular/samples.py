"""Real sample tables, from packages that are installed anyway."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pandas as pd


@dataclass(frozen=True)
class Sample:
    """A table that ships with a package: what it is, its target, where it is from."""

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
        "How far the disease went in a year; high values are rare.",
        "Efron, Hastie, Johnstone and Tibshirani, Least angle regression, Annals of Statistics "
        "2004; shipped with scikit-learn (BSD-3)",
    ),
    "income": Sample(
        "Income: 142 countries",
        "gdpPercap",
        "Income per person, 1952 to 2007; rich countries are rare. Rows of one country are held out together.",
        "Gapminder (gapminder.org, CC BY 4.0); shipped with plotly (MIT)",
        group="country",
        leave_out=("iso_alpha", "iso_num"),
    ),
    "wine": Sample(
        "Wine colour: 178 wines",
        "color_intensity",
        "From 12 chemical measurements; strong colours are rare.",
        "Forina et al., PARVUS, 1988, through the UCI repository; shipped with scikit-learn (BSD-3)",
    ),
    "tips": Sample(
        "Tips: 244 restaurant bills",
        "tip",
        "Large tips are rare; people, days and times are categories.",
        "Bryant and Smith, Practical Data Analysis, 1995; shipped with plotly (MIT)",
    ),
}


def load(name: str) -> pd.DataFrame:
    """The sample's table. Raises ``ValueError`` for an unknown name."""
    if name not in SAMPLES:
        raise ValueError(f"no sample is called {name!r}; there are {', '.join(SAMPLES)}")
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
