"""Pages of the app without a browser: open, click and read them."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from streamlit.testing.v1 import AppTest

from regcls.tasks import pairs
from regcls.utils.paths import MODELS_FOLDER
from tests.helpers import waiting

PAGES = Path(__file__).resolve().parents[2] / "pages"


def opened(name: str, timeout: float = 300, **query: str) -> AppTest:
    """Return the page ``pages/{name}.py``, opened at an address with this query."""
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=timeout)
    for key, value in query.items():
        page.query_params[key] = value
    return ran(page.run())


def ran(page: AppTest) -> AppTest:
    """Return the page; fail if its last run raised an exception."""
    assert not page.exception
    return page


def click(page: AppTest, label: str) -> AppTest:
    """Return the page after a click on the button with this label."""
    return ran(next(b for b in page.button if b.label == label).click().run())


def settled(page: AppTest) -> AppTest:
    """Return the Progress page once its background jobs have ended."""
    waiting.until(lambda: not page.session_state["progress_gallery"].active, 60)
    return ran(page.run())


def text_of(page: AppTest) -> str:
    """Return the text of the page's Markdown, captions and messages, without its HTML."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def html(page: AppTest) -> str:
    """Return the page's HTML elements."""
    return " ".join(element.proto.body for element in page.get("html"))


def query_of(page: AppTest) -> dict[str, str]:
    """Return the parameters of the page's address."""
    return {k: v[0] if isinstance(v, list) else v for k, v in page.query_params.items()}


def broken_pair(task: str, file: str, folder: Path, monkeypatch) -> None:
    """Make the app load a copy of a task's pair in which one file is broken."""
    shutil.copytree(MODELS_FOLDER / task, folder / task)
    (folder / task / file).write_bytes(b"not a model")
    monkeypatch.setenv(pairs.ROOT, str(folder))


def imported_by(name: str, modules: tuple[str, ...]) -> list[str]:
    """Return those of the modules that are imported by opening the page in a new process."""
    code = (
        f"import sys; sys.path.insert(0, {str(PAGES.parent)!r});"
        f"from tests.helpers import app_page; app_page.opened({name!r});"
        f"print('imported', *[m for m in {modules!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return out.stdout.strip().splitlines()[-1].split()[1:]
