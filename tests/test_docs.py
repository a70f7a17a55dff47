"""README, CONTRIBUTING and architecture: modules, files and commands they name exist."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "docs/architecture.md")


def found(pattern: str) -> list:
    named = {
        (document, name)
        for document in DOCUMENTS
        for name in re.findall(pattern, (ROOT / document).read_text())
        if "NAME" not in name and name != "docs/api"  # a pattern; built by make docs
    }
    return sorted(named)


@pytest.mark.parametrize(("document", "name"), found(r"`(regcls(?:\.(?!onnx`)[a-z_0-9]+)+)`"))
def test_each_module_exists(document: str, name: str) -> None:
    path = ROOT / Path(*name.split("."))
    assert path.with_suffix(".py").is_file() or (path / "__init__.py").is_file()


@pytest.mark.parametrize(
    ("document", "name"), found(r"`((?:regcls|pages|tests|docs|models)/[\w/.]*)`")
)
def test_each_file_exists(document: str, name: str) -> None:
    assert (ROOT / name).exists()


@pytest.mark.parametrize(("document", "target"), found(r"\]\(([^)#]+)\)"))
def test_local_links_lead_somewhere(document: str, target: str) -> None:
    assert target.startswith("https://") or ((ROOT / document).parent / target).is_file()


def test_every_room_is_described() -> None:
    described = (ROOT / "docs/architecture.md").read_text()
    rooms = {path.parent.name for path in (ROOT / "regcls").glob("*/__init__.py")}
    assert {room for room in rooms if f"| `regcls.{room}` |" not in described} == set()


@pytest.mark.parametrize(("document", "name"), found(r"`make ([a-z]+)"))
def test_make_targets_exist(document: str, name: str) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert name in targets
