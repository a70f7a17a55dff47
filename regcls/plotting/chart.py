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

PRINT_WIDTH = 720  # pixels, before the scale of a PNG
PRINT_SCALE = 2

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
        """Return the chart as a PNG image, 1440 pixels wide plus axes."""
        import vl_convert

        return vl_convert.vegalite_to_png(self._printed, scale=PRINT_SCALE)

    def svg(self) -> bytes:
        """Return the chart as an SVG image, UTF-8 encoded."""
        import vl_convert

        return vl_convert.vegalite_to_svg(self._printed).encode()

    @property
    def _printed(self) -> dict[str, Any]:
        return {**self.whole, "width": PRINT_WIDTH, "background": "white"}


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
