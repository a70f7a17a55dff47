"""What every page has around its content: a logo, styles beyond the theme's options, a footer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

import regcls
from pages.components import charts
from regcls.plotting import style

ASSETS = Path(__file__).resolve().parents[1] / "assets"
ICON = ASSETS / "icon.svg"
ARXIV = "https://arxiv.org/abs/2308.10603"
BIBTEX = """\
@inproceedings{pintea2023step,
  title     = {A step towards understanding why classification helps regression},
  author    = {Pintea, Silvia L. and Lin, Yancong and Dijkstra, Jouke and van Gemert, Jan C.},
  booktitle = {IEEE/CVF International Conference on Computer Vision (ICCV)},
  year      = {2023},
  eprint    = {2308.10603},
  archiveprefix = {arXiv}
}
@software{regcls,
  title   = {regcls: see for yourself when classification helps regression},
  author  = {{The regcls authors}},
  version = {VERSION},
  license = {MIT}
}"""
# Text of low contrast in Streamlit's own styles: captions, and white on the light primary colour of
# the dark theme. A formula that fits is no region to scroll. Who asks for less motion gets none.
CSS = """<style>
[data-testid="stCaptionContainer"] {{ color: {quiet}; opacity: 1; }}
[data-testid="stCaptionContainer"] * {{ color: inherit; }}
[data-testid^="stBaseButton-primary"]:not(:disabled),
[data-testid^="stBaseButton-primary"]:not(:disabled) * {{ color: {on}; }}
@media (min-width: 641px) {{
  [data-testid="stMainBlockContainer"] {{ padding-left: 2.5rem; padding-right: 2.5rem; }}
  .katex-display {{ overflow: visible !important; }}
}}
@media (prefers-reduced-motion: reduce) {{
  *, *::before, *::after {{
    animation-duration: 0.01ms !important; transition-duration: 0.01ms !important;
    scroll-behavior: auto !important;
  }}
}}
</style>"""


def begin() -> None:
    """Draw what comes before a page: the logo and the styles."""
    dark = charts.is_dark()
    st.logo(str(ASSETS / f"logo_{'dark' if dark else 'light'}.svg"), icon_image=str(ICON))
    ink = style.DARK if dark else style.LIGHT
    st.html(CSS.format(quiet=ink.quiet, on=ink.background))


def end() -> None:
    """Draw the footer: version, licence, source and how to cite."""
    st.divider()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"regcls {regcls.__version__} · MIT licence · examines [Pintea et al., ICCV 2023]({ARXIV})"
            " · the source comes with the app, `docs/architecture.md` explains it",
            width="content",
        )
        with st.popover("Cite", icon=":material/format_quote:", type="tertiary"):
            st.code(BIBTEX.replace("VERSION", regcls.__version__), language="bibtex")
