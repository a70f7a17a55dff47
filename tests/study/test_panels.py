"""Panels: every cell is drawn, and an image draws each panel with its own data."""

from __future__ import annotations

import re

from regcls import study
from regcls.study import effect_chart, error_chart, layout
from tests.helpers import study_store


def test_each_panel_of_an_image_has_its_own_numbers(tmp_path):
    grid = study.load("quick")
    error = lambda m: study_store.error_of(m) * (0.6 if m.classes and m.sampling == "severe" else 1)
    results = study.read(grid, study_store.make(grid, tmp_path / "s.sqlite", error))
    compared = layout.comparison_table(results, "reg")
    places = (["clean"], ["uniform", "severe"])
    made = effect_chart.effect_panels(compared, ["4", "64"], "C", places, "plain reg", "")
    numbers = re.findall(r">(\d\.\d\d)<", made.svg().decode())
    assert numbers == [f"{ratio:.2f}" for ratio in compared["ratio"]]
    assert len(set(numbers)) > 2


def test_layers_of_an_image_have_no_names_that_panels_share():
    results = study.read(study.load("paper"))
    table = layout.cell_table(results)
    made = error_chart.error_panels(
        layout.mean_errors(results),
        layout.published_means(results),
        list(dict.fromkeys(table["x"])),
        "C",
        (list(dict.fromkeys(table["row"])), list(dict.fromkeys(table["sampling"]))),
        "",
    )
    panels = [panel for row in made.whole()["vconcat"] for panel in row["hconcat"]]
    assert len(panels) == 12
    assert not any("name" in layer for panel in panels for layer in panel["layer"])


def test_charts_show_every_cell_and_can_be_saved(tmp_path):
    quick = study.load("quick")
    results = study.read(quick, study_store.make(quick, tmp_path / "s.sqlite"))
    compared = layout.comparison_table(results, "reg")
    grid = (["clean"], ["uniform", "severe"])
    sheet = effect_chart.effect_panels(compared, ["4", "64"], "C", grid, "plain reg", "severe_4")
    assert [len(picture.data["cells"]) for picture in sheet.panels.values()] == [2, 2]
    points = layout.mean_errors(results)
    assert len(points) == 4 * 3
    published = layout.published_means(results)
    errors = error_chart.error_panels(points, published, ["4", "64"], "C", grid, "")
    for made in (sheet, errors):
        assert made.svg().startswith(b"<svg")
        assert made.png().startswith(b"\x89PNG")
