"""README, CONTRIBUTING and architecture: modules, files and commands they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")


def found(pattern: str) -> list:
    pairs = {
        (page, name) for page in PAGES for name in re.findall(pattern, (ROOT / page).read_text())
    }
    return sorted(pairs)


@pytest.mark.parametrize(("page", "name"), found(r"`(regcls(?:\.[a-z_0-9]+)+)`"))
def test_each_module_exists(page: str, name: str) -> None:
    path = ROOT / Path(*name.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize(("page", "name"), found(r"`((?:regcls|pages|tests|docs|models)/[\w/.]*)`"))
def test_each_file_exists(page: str, name: str) -> None:
    if "NAME" in name or name == "docs/api":
        pytest.skip("a pattern, or built by make docs")
    assert (ROOT / name).exists()


@pytest.mark.parametrize(("page", "target"), found(r"\]\(([^)#]+)\)"))
def test_local_links_lead_somewhere(page: str, target: str) -> None:
    assert target.startswith("https://") or ((ROOT / page).parent / target).is_file()


def test_every_room_is_described() -> None:
    described = (ROOT / "docs/architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "regcls").glob("*/__init__.py")}
    assert {room for room in rooms if f"| `regcls.{room}` |" not in described} == set()


@pytest.mark.parametrize(("page", "name"), found(r"\bmake ([a-z]+)\b"))
def test_make_targets_exist(page: str, name: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert name in targets
