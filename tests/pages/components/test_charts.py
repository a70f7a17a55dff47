"""Charts on pages: the caption below, the alternative text and the files."""

from __future__ import annotations

from streamlit.testing.v1 import AppTest

from tests.helpers.app_page import ran


def draw_charts() -> None:
    import altair as alt
    import pandas as pd

    from pages.components import charts
    from regcls.plotting.chart import Picture, finished

    points = alt.Chart(alt.NamedData("points")).mark_point().encode(x="x:Q")
    spec = finished(alt.layer(points), "Two points", 100)
    data = {"points": pd.DataFrame({"x": [0.0, 1.0]})}
    charts.draw(Picture(spec, data, "Two points on a line."))
    charts.draw(Picture(spec, data, ""), key="second")
    charts.files(lambda: Picture(spec, data, ""), "points")
    charts.files(lambda: Picture(spec, data, ""), "others", label="Other points")


def test_a_caption_is_shown_and_read_out():
    page = ran(AppTest.from_function(draw_charts).run())
    first, second = page.get("vega_lite_chart")
    assert [caption.value for caption in page.caption] == ["Two points on a line."]
    assert first.proto.alt == "Two points on a line."
    assert not second.proto.alt


def test_a_chart_is_offered_in_two_formats():
    page = ran(AppTest.from_function(draw_charts).run())
    labels = [button.label for button in page.get("download_button")]
    assert labels == ["Chart (PNG)", "Chart (SVG)", "Other points (PNG)", "Other points (SVG)"]
