"""Every chart of a page can be saved, with title, caption and settings."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from pages.components import downloads
from regcls import study
from regcls.study import catalogue
from tests.helpers import study_store, svg_figures
from tests.helpers.app_page import click, opened, ran
from tests.helpers.svg_figures import Figure

ROOT = Path(__file__).resolve().parents[2]
# Where a chart may be drawn without its file, by file and function, and why.
OFFERED_ELSEWHERE = {
    ("pages/components/study_panels.py", "heat_map"): "it takes clicks, and offers its file itself",
    ("pages/lab.py", "draw"): "drawn again while a run trains; `lab_results.files` offers them",
    ("pages/lab.py", "live"): "the same",
    ("pages/lab.py", "slow_charts"): "the same",
}
# Streamlit's own elements. Plotly's figures have a toolbar that saves them, and their data as files.
DIRECT = {
    ("pages/components/charts.py", "chart"),
    ("pages/depth.py", "maps"),
    ("pages/depth.py", "difference"),
    ("pages/depth.py", "space"),
}


def test_every_chart_is_offered_as_a_file():
    found = {place for place, call in drawn() if not has_name(call)}
    assert found == set(OFFERED_ELSEWHERE)


def test_pages_draw_charts_with_the_component():
    found = {place for place, call in calls() if call.func.value.id == "st" and is_chart(call)}
    assert found == DIRECT


def drawn() -> Iterator[tuple[tuple[str, str], ast.Call]]:
    """Yield each call that draws a chart with the component, with its file and function."""
    for place, call in calls():
        if call.func.value.id == "charts" and call.func.attr in ("draw", "chart", "moving"):
            yield place, call


def has_name(call: ast.Call) -> bool:
    """Return whether a chart is drawn with the name of its file."""
    names = [keyword.value for keyword in call.keywords if keyword.arg == "name"]
    return bool(names) and not (isinstance(names[0], ast.Constant) and not names[0].value)


def is_chart(call: ast.Call) -> bool:
    """Return whether this is a call of a Streamlit element that draws a chart."""
    name = call.func.attr
    return name.endswith("_chart") or name in ("pyplot", "map")


def calls() -> Iterator[tuple[tuple[str, str], ast.Call]]:
    """Yield each call of the form ``module.function(…)`` in the pages, with file and function."""
    for path in sorted((ROOT / "pages").rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        for statement in ast.parse(path.read_text(encoding="utf-8")).body:
            function = getattr(statement, "name", "")
            for node in ast.walk(statement):
                if (
                    isinstance(node, ast.Call)
                    and isinstance(node.func, ast.Attribute)
                    and isinstance(node.func.value, ast.Name)
                ):
                    yield (name, function), node


# The files that the buttons give


@pytest.fixture
def offered(monkeypatch) -> dict[str, Callable[[], bytes]]:
    """Return the files that a page offers, by name; filled when a page runs."""
    files = {}
    button = downloads.button

    def recorded(label, data, name, *args, **options) -> None:
        files[name] = data
        button(label, data, name, *args, **options)

    monkeypatch.setattr(downloads, "button", recorded)
    return files


def saved(offered: dict[str, Callable[[], bytes]], *names: str) -> dict[str, Figure]:
    """Return the charts that a page offers, which must have these names; check their text."""
    charts = {name[:-4] for name in offered if name.endswith(".svg")}
    assert charts == set(names)
    figures = {name: svg_figures.read(offered[f"{name}.svg"]()) for name in names}
    for name, figure in figures.items():
        assert figure.titles and figure.caption and figure.settings, name
    first = offered[f"{names[0]}.png"]()
    assert first.startswith(b"\x89PNG")
    return figures


def test_home(offered):
    ran(AppTest.from_file(str(ROOT / "app.py"), default_timeout=300).run())
    settings = saved(offered, "replay-severe")["replay-severe"].settings
    assert settings.startswith("Data: function 3, clean, severe sampling, 21,705 training points")
    assert "1 run from seed 7, epoch 80 of 80" in settings and "the one nearest" in settings


def test_lab(offered):
    page = opened("lab", samples="3000", batch="128", repeats="2", epochs="2")
    before = saved(offered, "function-only")["function-only"]
    assert before.settings == "Function 1: f(x) = 0.8444 sin(22x) + 0.6556 sin(7x)."
    offered.clear()
    click(page, "Train one epoch")
    figures = saved(offered, "function", "history", "errors", "classes")
    assert all("epoch 1 of 2" in figure.settings for figure in figures.values())
    offered.clear()
    ran(page.selectbox(key="lab_shown").select("Run 2").run())
    one = saved(offered, "function", "history", "errors", "classes")
    how = {"function": "highlighted", "history": "highlighted", "errors": "only", "classes": "only"}
    assert all(one[name].settings.endswith(f"Run 2 {how[name]}.") for name in one)


def test_a_file_of_the_lab_has_the_epoch_of_its_click(offered):
    page = opened("lab", samples="3000", batch="128", repeats="2", epochs="2")
    click(page, "Train one epoch")
    page.session_state["lab"].run.advance_epoch()
    assert "epoch 2 of 2" in svg_figures.read(offered["history.svg"]()).settings


def test_theory(offered):
    opened("theory")
    figures = saved(offered, "theory", "theory-classes", "theory-imbalance")
    assert figures["theory-classes"].settings.endswith("noise σ = 0.1. 16 classes.")


def test_study(offered, monkeypatch, tmp_path):
    monkeypatch.setattr("regcls.study.results.SHIPPED", tmp_path / "none")
    monkeypatch.setattr("regcls.study.catalogue.SHIPPED", tmp_path / "none")
    store = study_store.make(study.load("quick"), tmp_path / "study.sqlite")
    monkeypatch.setenv(catalogue.STORE, str(store))
    page = opened("study", grid="quick", cell="severe_64")
    figures = saved(offered, "study-help", "study-ranges")
    assert all(f.settings.startswith("Grid “quick”") for f in figures.values())
    assert figures["study-ranges"].settings.endswith(" Setting: severe, clean, C = 64.")
    assert figures["study-help"].settings.endswith(" Highlighted: severe, clean, C = 64.")
    for fold in ("curves", "runs"):
        page.session_state[f"study_fold_{fold}"] = True
    ran(page.run())
    run = "function 3, data seed 201, initialisation 201"
    ran(page.selectbox(key="study_run").select(run).run())
    figures = saved(offered, "study-help", "study-ranges", "study-errors", "study-run")
    assert figures["study-run"].settings.endswith(f"Run: {run}.")
    assert figures["study-errors"].settings.startswith("Grid “quick”")


def unfolded(page: AppTest, *folds: str) -> AppTest:
    """Return the page with these folds open; what is folded is not drawn."""
    for fold in folds:
        page.session_state[fold] = True
    return ran(page.run())


def test_models(offered):
    unfolded(opened("models"), *(f"models_fold_{task}" for task in ("age", "depth", "progress")))
    saved(offered, "training-age", "training-depth", "training-progress")


def test_age(offered):
    unfolded(opened("age"), "age_fold_classes", "age_fold_balance")
    figures = saved(offered, "errors-age", "age-balance", "age-classes")
    assert figures["age-classes"].settings == "Photo: Grace Hopper."
    assert "Dashed line: the true age." in figures["age-classes"].caption
    assert figures["errors-age"].settings.startswith("Task: age. Held-out test subset")


def test_depth(offered):
    page = unfolded(opened("depth", sample="hall"), "depth_fold_shares", "depth_fold_balance")
    saved(offered, "errors-depth", "depth-balance", "depth-shares")
    offered.clear()
    unfolded(page, "depth_fold_maps", "depth_fold_space")
    files = [name for name in offered if "difference" in name or "points" in name]
    assert sorted(name.rsplit(".")[1] for name in files) == ["csv", "npy", "ply"]
    assert all(offered[name]() for name in files)


def test_progress(offered):
    unfolded(opened("progress"), "progress_fold_balance")
    figures = saved(offered, "progress-curves", "errors-progress", "progress-balance")
    assert figures["progress-curves"].settings == "Video: Can picked up. Frames: 122."
