"""Two layers, and heavy libraries only where they are used."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
LIBRARY = sorted((ROOT / "regcls").rglob("*.py"))
PAGES = [ROOT / "app.py", *sorted((ROOT / "pages").glob("*.py"))]
WITH_TORCH = (
    "nn/",
    "lab/run.py",
    "study/worker.py",
    "tabular/fold.py",
    "training/",
)
WITH_ONNXRUNTIME = ("inference/", "training/")


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path, at_start: bool = False) -> Iterator[str]:
    """Full names of the modules a file imports; ``at_start``: only those that importing it loads."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in _executed(tree) if at_start else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Statements that run at import: not inside functions, nor under TYPE_CHECKING."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and "TYPE_CHECKING" in ast.dump(child.test):
            continue
        yield child
        yield from _executed(child)


def roots(path: Path, **options) -> set[str]:
    return {name.split(".")[0] for name in imports(path, **options)}


def allowed(path: Path, places: tuple[str, ...]) -> bool:
    return path.relative_to(ROOT / "regcls").as_posix().startswith(places)


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_library_knows_no_streamlit(path):
    assert "streamlit" not in roots(path)


@pytest.mark.parametrize("path", LIBRARY, ids=name_of)
def test_only_some_modules_import_torch_and_onnxruntime(path):
    assert "torch" not in roots(path) or allowed(path, WITH_TORCH)
    assert "onnxruntime" not in roots(path) or allowed(path, WITH_ONNXRUNTIME)


@pytest.mark.parametrize("path", PAGES, ids=name_of)
def test_pages_leave_training_and_engines_to_the_library(path):
    assert not {"torch", "onnxruntime", "onnx", "cv2"} & roots(path)
    assert not [name for name in imports(path) if name.startswith("regcls.training")]


def test_lab_and_runtime_import_engines_at_use_only():
    assert "torch" not in roots(ROOT / "regcls/lab/run.py", at_start=True)
    for name in ("session.py", "providers.py", "batch.py"):
        assert "onnxruntime" not in roots(ROOT / "regcls/inference" / name, at_start=True)


def test_the_import_reader_sees_what_it_should(tmp_path):
    path = tmp_path / "sample.py"
    path.write_text(
        "import a\nfrom b.c import d\nif x:\n    import e\ndef f():\n    import g\n"
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import h\n"
    )
    assert roots(path) == {"a", "b", "e", "g", "h", "typing"}
    assert roots(path, at_start=True) == {"a", "b", "e", "typing"}


OPEN_PAGES = """
import sys
from pathlib import Path
from streamlit.testing.v1 import AppTest

PAGES = [str(p) for p in sorted(Path("pages").glob("*.py")) if "through_app()\\n" in p.read_text()]
PAGES.remove("pages/models.py")  # it says what models run on, once its cards are drawn
assert len(PAGES) > 5, PAGES
for page in ("app.py", *PAGES):
    opened = AppTest.from_file(page, default_timeout=300).run()
    assert not opened.exception, (page, opened.exception)
    assert opened.main.children, page
print("heavy:", sorted({"torch", "onnxruntime"} & set(sys.modules)))
"""


def test_opening_the_pages_loads_neither_torch_nor_onnxruntime():
    done = subprocess.run(
        [sys.executable, "-c", OPEN_PAGES], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.splitlines()[-1] == "heavy: []"
