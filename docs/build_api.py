"""Build the API pages from the docstrings into docs/api: make docs."""

from __future__ import annotations

import pkgutil
from pathlib import Path

import pdoc

import regcls

OUT = Path(__file__).resolve().parent / "api"


def modules() -> list[str]:
    """Name the package and all its modules.

    They are named one by one because pdoc takes a package's ``__all__`` for all that it holds.
    """
    found = pkgutil.walk_packages(regcls.__path__, "regcls.")
    return ["regcls", *(m.name for m in found if not m.name.endswith("__main__"))]


def main() -> None:
    """Write the pages."""
    for name in regcls.__all__:
        getattr(regcls, name)  # lazy names are found once they have been used
    pdoc.render.configure(docformat="numpy", math=True)
    pdoc.pdoc(*modules(), output_directory=OUT)
    print(f"The API pages are in {OUT / 'index.html'}.")


if __name__ == "__main__":
    main()
