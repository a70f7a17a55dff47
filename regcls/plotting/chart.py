"""A chart as a Vega-Lite specification, its data and its caption.

A ``Picture`` keeps the specification and the data apart. A page that redraws a chart sends the same
specification each time, so the browser replaces the data instead of rebuilding the chart.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

import altair as alt
import pandas as pd

from regcls.plotting.printing import PRINT_WIDTH, as_png, as_svg, static, with_text

# alt.layer returns a FacetChart when a layer is one.
AnyChart = alt.Chart | alt.LayerChart | alt.FacetChart


@dataclass(frozen=True)
class Picture:
    """A chart that can be shown on a page, embedded in a document or saved as an image.

    Attributes
    ----------
    spec : dict
        Vega-Lite specification that refers to its data by name.
    data : dict of str to DataFrame
        Data frames by the names used in ``spec``.
    caption : str
        Text below the chart, also its alternative text.
    settings : str
        Settings behind the data, such as sampling and runs. A page shows them in its widgets; a
        saved image has them below the caption.
    hint : str
        What can be done with the chart on its page, shown after the caption. It is left out of
        saved images, where nothing can be clicked.

    Examples
    --------
    >>> data = pd.DataFrame({"x": [0.0, 1.0]})
    >>> points = alt.Chart(alt.NamedData("points")).mark_point().encode(x="x:Q")
    >>> picture = Picture(finished(alt.layer(points), "Two points", 100), {"points": data}, "")
    >>> picture.whole["datasets"]
    {'points': [{'x': 0.0}, {'x': 1.0}]}
    """

    spec: dict[str, Any]
    data: dict[str, pd.DataFrame]
    caption: str
    settings: str = ""
    hint: str = ""

    @property
    def live(self) -> dict[str, Any]:
        """Specification with data frames, for ``st.vega_lite_chart``."""
        return {**self.spec, "datasets": self.data}

    @property
    def whole(self) -> dict[str, Any]:
        """Specification with the data embedded as plain JSON values."""
        records = {k: json.loads(v.to_json(orient="records")) for k, v in self.data.items()}
        return {**self.spec, "datasets": records}

    def chart(self) -> alt.LayerChart:
        """Return the chart as an Altair object."""
        return alt.LayerChart.from_dict(self.whole)

    def png(self) -> bytes:
        """Return the chart as a PNG image, 1440 pixels wide plus axes, with its caption."""
        return as_png(self.printed)

    def svg(self) -> bytes:
        """Return the chart as an SVG image, UTF-8 encoded, with its caption."""
        return as_svg(self.printed)

    @property
    def printed(self) -> dict[str, Any]:
        """Specification of a saved image: embedded data, fixed size, caption and settings."""
        whole = self.whole
        chart = static(whole) | {"width": PRINT_WIDTH}
        page = with_text([chart], self.caption, self.settings, PRINT_WIDTH)
        return page | {"datasets": whole["datasets"]}


def from_chart(chart: AnyChart, title: str, caption: str) -> Picture:
    """Return a chart that contains its data as a picture.

    Parameters
    ----------
    chart : Chart
        Chart made from data frames.
    title : str
        Title above the chart.
    caption : str
        Text below the chart.

    Returns
    -------
    Picture
        The chart and its data, apart from each other.

    Examples
    --------
    >>> points = alt.Chart(pd.DataFrame({"x": [0.0, 1.0]})).mark_point().encode(x="x:Q")
    >>> picture = from_chart(alt.layer(points), "Two points", "")
    >>> [table.x.tolist() for table in picture.data.values()]
    [[0.0, 1.0]]
    """
    with alt.data_transformers.enable("default", consolidate_datasets=True):
        spec = chart.properties(title=title).to_dict()
    data = {name: pd.DataFrame(rows) for name, rows in spec.pop("datasets", {}).items()}
    return Picture({k: v for k, v in spec.items() if k != "width"}, data, caption)


def finished(chart: AnyChart, title: str, height: int) -> dict[str, Any]:
    """Return the Vega-Lite specification of a chart, without its data.

    Parameters
    ----------
    chart : Chart
        Chart whose layers refer to their data by name (``alt.NamedData``).
    title : str
        Title above the chart; none if empty.
    height : int
        Height of the plotting area in pixels.

    Returns
    -------
    dict
        The specification, to be used as ``Picture.spec``.
    """
    titled = chart.properties(title=title) if title else chart
    spec = titled.properties(height=height).to_dict()
    spec.pop("datasets", None)
    return spec
