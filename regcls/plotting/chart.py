"""A chart as a Vega-Lite specification with its data and caption."""

from __future__ import annotations

import json
from dataclasses import dataclass

import altair as alt
import pandas as pd


@dataclass(frozen=True)
class Picture:
    """A Vega-Lite ``spec`` that names its data, the ``data``, and what there is to see."""

    spec: dict
    data: dict[str, pd.DataFrame]
    caption: str

    @property
    def live(self) -> dict:
        """Spec and data frames for ``st.vega_lite_chart``."""
        return {**self.spec, "datasets": self.data}

    @property
    def whole(self) -> dict:
        """The spec with its data inside, as plain JSON values."""
        records = {k: json.loads(v.to_json(orient="records")) for k, v in self.data.items()}
        return {**self.spec, "datasets": records}

    def chart(self) -> alt.LayerChart:
        return alt.LayerChart.from_dict(self.whole)

    def png(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_png(self._printed, scale=2)

    def svg(self) -> bytes:
        import vl_convert

        return vl_convert.vegalite_to_svg(self._printed).encode()

    @property
    def _printed(self) -> dict:
        return {**self.whole, "width": 720, "background": "white"}


def finished(chart: alt.LayerChart, title: str, height: int) -> dict:
    spec = chart.properties(title=title, height=height).to_dict()
    spec.pop("datasets", None)
    return spec
