"""Folders of the dashboard and the shipped models, in a checkout and in an installed package."""

from __future__ import annotations

from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[1]


def dashboard_folder() -> Path:
    """Return the folder that holds ``app.py``, ``pages/`` and ``models/``.

    Returns
    -------
    pathlib.Path
        ``_dashboard`` inside the package if regcls was installed from a wheel, else the root of
        the checkout.
    """
    installed = PACKAGE / "_dashboard"
    return installed if installed.is_dir() else PACKAGE.parent


MODELS_FOLDER = dashboard_folder() / "models"  # one folder per task, each with a shipped pair
