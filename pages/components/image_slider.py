"""Image slider: two images in one place, with a line between them that can be moved."""

from __future__ import annotations

import base64

import streamlit as st

_HTML = """
<div class="image-slider">
  <img class="under"><img class="over"><div class="line"></div>
  <span class="left"></span><span class="right"></span>
</div>
<input type="range" min="0" max="100" value="50" step="1">
"""
_CSS = """
.image-slider { position: relative; line-height: 0; overflow: hidden; border-radius: .5rem; }
.image-slider img { width: 100%; display: block; user-select: none; }
.image-slider .over { position: absolute; inset: 0; }
.image-slider .line { position: absolute; top: 0; bottom: 0; width: 3px; margin-left: -1.5px;
  background: white; box-shadow: 0 0 4px black; }
.image-slider span { position: absolute; bottom: .5rem; padding: .2rem .5rem; border-radius: .3rem;
  font: 600 .85rem/1.2 var(--st-font); color: white; background: rgba(0, 0, 0, .65); }
.image-slider .left { left: .5rem; } .image-slider .right { right: .5rem; }
input { width: 100%; margin: .6rem 0 0; accent-color: var(--st-primary-color); }
"""
_JS = """
export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(name);
  const slider = find("input");
  find(".over").src = data.first;
  find(".under").src = data.second;
  find(".over").alt = data.names[0];
  find(".under").alt = data.names[1];
  find(".left").textContent = data.names[0];
  find(".right").textContent = data.names[1];
  slider.setAttribute("aria-label", `${data.names[0]} on the left, ${data.names[1]} on the right`);
  const draw = () => {
    find(".over").style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    find(".line").style.left = `${slider.value}%`;
  };
  const follow = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = find(".image-slider").getBoundingClientRect();
    slider.value = (100 * (event.clientX - box.left)) / box.width;
    draw();
  };
  slider.oninput = draw;
  find(".image-slider").onpointerdown = follow;
  find(".image-slider").onpointermove = follow;
  draw();
}
"""
_component = st.components.v2.component("regcls.image_slider", html=_HTML, css=_CSS, js=_JS)


def image_slider(first: bytes, second: bytes, names: tuple[str, str], key: str) -> None:
    """Two PNG files of one size: ``first`` is left of the line, ``second`` right of it."""
    data = {"first": _address(first), "second": _address(second), "names": list(names)}
    _component(data=data, key=key)


def _address(png: bytes) -> str:
    return "data:image/png;base64," + base64.b64encode(png).decode()
