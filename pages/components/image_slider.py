"""Image slider: two images in one place with a line between them, their scale, and values at a point."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    import numpy as np

HEIGHT = 420  # pixels, at most
STEPS = 1000  # per unit, of the values that the browser gets
_HTML = """
<div class="whole">
  <div class="image-slider">
    <img class="under"><img class="over"><div class="line"></div><div class="point"></div>
    <span class="left"></span><span class="right"></span>
  </div>
  <input type="range" min="0" max="100" value="50" step="1">
  <div class="scale"><span class="low"></span><span class="ramp"></span><span class="high"></span></div>
  <div class="values" role="status"></div>
</div>
"""
_CSS = """
.whole { font-family: var(--st-font); font-size: .875rem; color: var(--st-text-color); }
.image-slider { position: relative; line-height: 0; overflow: hidden; border-radius: .5rem;
  touch-action: pan-y; cursor: ew-resize; }
.image-slider img { width: 100%; height: 100%; display: block; user-select: none;
  -webkit-user-drag: none; object-fit: fill; }
.image-slider .over { position: absolute; inset: 0; }
.image-slider .line { position: absolute; top: 0; bottom: 0; width: 3px; margin-left: -1.5px;
  background: white; box-shadow: 0 0 4px black; pointer-events: none; }
.image-slider .point { position: absolute; width: 10px; height: 10px; margin: -7px;
  border: 2px solid white; border-radius: 50%; box-shadow: 0 0 3px black, inset 0 0 3px black;
  pointer-events: none; }
.image-slider span { position: absolute; bottom: .5rem; padding: .2rem .5rem; border-radius: .3rem;
  font: 600 .85rem/1.2 var(--st-font); color: white; background: rgba(0, 0, 0, .75); }
.image-slider .left { left: .5rem; } .image-slider .right { right: .5rem; }
input { width: 100%; margin: .6rem 0 .3rem; accent-color: var(--st-primary-color); }
.scale { display: flex; align-items: center; gap: .5rem; min-height: 1.2rem; }
.scale .ramp { flex: 1; height: .7rem; border-radius: .2rem; }
.scale .low, .scale .high { white-space: nowrap; }
.values { min-height: 1.4rem; margin-top: .25rem; }
"""
_JS = """
export default function ({ data, parentElement }) {
  const find = (name) => parentElement.querySelector(name);
  const slider = find("input"), frame = find(".image-slider");
  find(".over").src = data.first;
  find(".under").src = data.second;
  find(".over").alt = data.names[0];
  find(".under").alt = data.names[1];
  find(".left").textContent = data.names[0];
  find(".right").textContent = data.names[1];
  slider.setAttribute("aria-label", `${data.names[0]} on the left, ${data.names[1]} on the right`);
  frame.style.aspectRatio = `${data.aspect}`;
  find(".whole").style.maxWidth = `${data.height * data.aspect}px`;
  find(".low").textContent = data.scale?.low ?? "";
  find(".high").textContent = data.scale?.high ?? "";
  find(".ramp").style.background = data.scale
    ? `linear-gradient(to right, ${data.scale.colours.join(", ")})` : "none";
  const grids = Object.entries(data.probe?.values ?? {}).map(([name, text]) => {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    return [name, new Int16Array(bytes.buffer)];
  });
  const point = find(".point");
  point.style.display = grids.length ? "" : "none";
  const read = (x, y) => {
    if (!grids.length) return;
    const { rows, columns, steps, unit } = data.probe;
    const row = Math.min(rows - 1, Math.max(0, Math.floor(y * rows)));
    const column = Math.min(columns - 1, Math.max(0, Math.floor(x * columns)));
    point.style.left = `${100 * x}%`;
    point.style.top = `${100 * y}%`;
    const texts = grids.map(([name, values]) => {
      const stored = values[row * columns + column];
      return `${name} ${stored < 0 ? "unknown" : (stored / steps).toFixed(2) + " " + unit}`;
    });
    find(".values").textContent = `At the circle: ${texts.join(" · ")}`;
  };
  const draw = () => {
    find(".over").style.clipPath = `inset(0 ${100 - slider.value}% 0 0)`;
    find(".line").style.left = `${slider.value}%`;
  };
  const follow = (event) => {
    const box = frame.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    read(Math.min(1, Math.max(0, x)), Math.min(1, Math.max(0, y)));
    if (event.type === "pointermove" && !event.buttons) return;
    slider.value = 100 * x;
    draw();
  };
  slider.oninput = draw;
  frame.onpointerdown = follow;
  frame.onpointermove = follow;
  read(0.5, 0.5);
  draw();
}
"""
_component = st.components.v2.component("regcls.image_slider", html=_HTML, css=_CSS, js=_JS)


@dataclass(frozen=True)
class Scale:
    """The colour scale below the images: its colours, and what its ends mean."""

    colours: tuple[str, ...]
    low: str
    high: str


@dataclass(frozen=True)
class Probe:
    """Values that are shown for the point under the pointer; NaN where a value is not known."""

    unit: str
    values: Mapping[str, np.ndarray] = field(default_factory=dict)  # (rows, columns), by name


def image_slider(
    first: bytes,
    second: bytes,
    names: tuple[str, str],
    key: str,
    aspect: float,
    scale: Scale | None = None,
    probe: Probe | None = None,
) -> None:
    """Draw two JPEG or PNG files of one size: ``first`` is left of the line, ``second`` right of it.

    ``aspect`` is their width divided by their height.
    """
    data = {
        "first": _address(first),
        "second": _address(second),
        "names": list(names),
        "aspect": aspect,
        "height": HEIGHT,
        "scale": scale and {"colours": list(scale.colours), "low": scale.low, "high": scale.high},
        "probe": probe and _stored(probe),
    }
    _component(data=data, key=key)


def _address(image: bytes) -> str:
    kind = "png" if image.startswith(b"\x89PNG") else "jpeg"
    return f"data:image/{kind};base64," + base64.b64encode(image).decode()


def _stored(probe: Probe) -> dict[str, object]:
    """Return the values as the browser reads them: 16-bit integers, −1 where not known."""
    import numpy as np

    texts = {}
    for name, values in probe.values.items():
        whole = np.clip(np.nan_to_num(STEPS * values, nan=-1.0), -1, 32_767)
        texts[name] = base64.b64encode(whole.round().astype("<i2").tobytes()).decode()
    rows, columns = next(iter(probe.values.values())).shape
    return {
        "rows": rows,
        "columns": columns,
        "steps": STEPS,
        "unit": probe.unit,
        "values": texts,
    }
