"""A page of the app without a browser: opened, clicked, read."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from pathlib import Path

from streamlit.testing.v1 import AppTest

from regcls.tasks import pairs
from regcls.utils.paths import MODELS_FOLDER

PAGES = Path(__file__).resolve().parents[2] / "pages"


def opened(name: str, timeout: float = 60, **query: str) -> AppTest:
    """The page ``pages/{name}.py`` at an address with this query."""
    page = AppTest.from_file(str(PAGES / f"{name}.py"), default_timeout=timeout)
    for key, value in query.items():
        page.query_params[key] = value
    return ran(page.run())


def ran(page: AppTest) -> AppTest:
    """The page, after a run that raised nothing."""
    assert not page.exception
    return page


def click(page: AppTest, label: str) -> AppTest:
    return ran(next(b for b in page.button if b.label == label).click().run())


def settled(page: AppTest) -> AppTest:
    """The Progress page, looked at again once nothing goes on any more."""
    end = time.monotonic() + 60
    while page.session_state["progress_gallery"].active:
        assert time.monotonic() < end
        time.sleep(0.05)
    return ran(page.run())


def said(page: AppTest) -> str:
    """What the page says in words, its own HTML apart."""
    kinds = (page.markdown, page.caption, page.info, page.warning, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def html(page: AppTest) -> str:
    return " ".join(element.proto.body for element in page.get("html"))


def query_of(page: AppTest) -> dict[str, str]:
    return {k: v[0] if isinstance(v, list) else v for k, v in page.query_params.items()}


def broken_pair(task: str, file: str, folder: Path, monkeypatch) -> None:
    """The app finds a pair of this task in which one file is broken."""
    shutil.copytree(MODELS_FOLDER / task, folder / task)
    (folder / task / file).write_bytes(b"not a model")
    monkeypatch.setenv(pairs.ROOT, str(folder))


def imported_by(name: str, modules: tuple[str, ...]) -> list[str]:
    """Which of these modules a new process holds once it has opened the page."""
    code = (
        f"import sys; sys.path.insert(0, {str(PAGES.parent)!r});"
        f"from tests.helpers import app_page; app_page.opened({name!r});"
        f"print('imported', *[m for m in {modules!r} if m in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return out.stdout.strip().splitlines()[-1].split()[1:]
