"""A video that plays, with curves over its time and each model's value at the moment shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.components.answer_cards import DESCRIPTIONS

PLAYER = "film_player"  # key of the container with the video, which the browser's code looks for
VIDEO_HEIGHT = 300  # pixels, at most
PLOT_HEIGHT = 280  # pixels
_STYLE = f"""<style>
.st-key-{PLAYER} video {{
  max-height: {VIDEO_HEIGHT}px; object-fit: contain; object-position: left;
}}
</style>"""
# Both components follow the same video. Without one that plays, they share a moment of their own.
_FOLLOW = """
const moments = (window.regclsMoments ??= {});
const player = (selector) => {
  const film = document.querySelector(`${selector} video`);
  return film && !film.error ? film : null;
};
const seek = (selector, seconds) => {
  const film = player(selector);
  if (film) film.currentTime = seconds; else moments[selector] = seconds;
};
const follow = (selector, update) => {
  let last = null, frame = 0, calmed = null;
  const look = () => {
    const film = player(selector);
    if (film && film !== calmed) {
      calmed = film;
      if (matchMedia("(prefers-reduced-motion: reduce)").matches) film.pause();
    }
    const now = film ? film.currentTime : moments[selector] ?? 0;
    if (now !== last) { last = now; update(now); }
    frame = requestAnimationFrame(look);
  };
  look();
  return () => cancelAnimationFrame(frame);
};
const nearest = (seconds, now) => {
  let low = 0, high = seconds.length - 1;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (seconds[middle] < now) low = middle + 1; else high = middle;
  }
  return low > 0 && now - seconds[low - 1] < seconds[low] - now ? low - 1 : low;
};
"""
_CURVES_HTML = """
<figure>
  <figcaption></figcaption>
  <div class="legend"></div>
  <svg role="img"></svg>
  <label>Moment (s)<input type="range" min="0" step="any"></label>
</figure>
"""
_CURVES_CSS = """
figure { margin: 0; font: .75rem/1.3 var(--st-font); color: var(--st-text-color); }
figcaption { font-size: .94rem; font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1rem; margin: .3rem 0; }
.legend span { display: inline-flex; align-items: center; gap: .35rem; }
figure > svg { display: block; width: 100%; overflow: visible; touch-action: pan-y; cursor: crosshair; }
svg text { fill: var(--st-text-color); opacity: .8; font-size: 12px; }
svg .grid { stroke: var(--st-border-color); }
svg .now { stroke: var(--st-text-color); stroke-width: 1.5; }
label { display: flex; align-items: center; gap: .6rem; margin-top: .2rem; }
input { flex: 1; accent-color: var(--st-primary-color); }
"""
_CURVES_JS = """
export default function ({ data, parentElement }) {
  parentElement.regclsStop?.();  // of the call before, with older data
  const find = (name) => parentElement.querySelector(name);
  const svg = find("figure > svg"), slider = find("input");
  const { seconds, series, end, height, selector, title, alt } = data;
  const space = { left: 48, right: 8, top: 6, bottom: 36 };
  find("figcaption").textContent = title;
  svg.setAttribute("aria-label", alt);
  svg.style.height = `${height + space.top + space.bottom}px`;
  const stroke = (one) => `stroke="${one.colour}" stroke-width="2" stroke-dasharray="${one.dash}"`;
  const legend = find(".legend");
  legend.replaceChildren(...series.map((one) => {
    const entry = document.createElement("span");
    entry.innerHTML = `<svg width="26" height="8" style="width:26px" aria-hidden="true">` +
      `<line x1="0" x2="26" y1="4" y2="4" ${stroke(one)}/></svg>`;
    entry.append(one.name);
    return entry;
  }));
  slider.max = end;
  let width = 0, last = 0;
  const across = (x) => space.left + (x / end) * (width - space.left - space.right);
  const down = (y) => space.top + (1 - y / 100) * height;
  const step = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200]
    .find((one) => end / one <= 7) ?? end / 5;
  const draw = () => {
    const parts = [];
    for (const y of [0, 20, 40, 60, 80, 100]) {
      parts.push(`<line class="grid" x1="${across(0)}" x2="${across(end)}" y1="${down(y)}" y2="${down(y)}"/>`,
        `<text x="${across(0) - 6}" y="${down(y) + 4}" text-anchor="end">${y}</text>`);
    }
    for (let x = 0; x <= end + 1e-9; x += step)
      parts.push(`<text x="${across(x)}" y="${down(0) + 16}" text-anchor="middle">${+x.toFixed(2)}</text>`);
    parts.push(`<text x="${across(end / 2)}" y="${down(0) + 32}" text-anchor="middle">time (s)</text>`,
      `<text transform="translate(12 ${down(50)}) rotate(-90)" text-anchor="middle">progress (%)</text>`);
    for (const one of series) {
      const points = seconds.map((s, i) => `${across(s).toFixed(1)},${down(one.values[i]).toFixed(1)}`);
      parts.push(`<polyline fill="none" ${stroke(one)} points="${points.join(" ")}"/>`);
      if (seconds.length <= 40) parts.push(...points.map((p) =>
        `<circle r="2" fill="${one.colour}" cx="${p.split(",")[0]}" cy="${p.split(",")[1]}"/>`));
    }
    parts.push(`<line class="now" y1="${down(0)}" y2="${down(100)}"/>`);
    svg.innerHTML = parts.join("");
    mark(last);
  };
  const mark = (now) => {
    last = now;
    const line = find(".now");
    if (!line) return;
    line.setAttribute("x1", across(Math.min(now, end)));
    line.setAttribute("x2", across(Math.min(now, end)));
    slider.value = now;
  };
  const pick = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const box = svg.getBoundingClientRect();
    const share = (event.clientX - box.left - space.left) / (width - space.left - space.right);
    seek(selector, Math.min(1, Math.max(0, share)) * end);
  };
  svg.onpointerdown = pick;
  svg.onpointermove = pick;
  slider.oninput = () => seek(selector, +slider.value);
  slider.onkeydown = (event) => {
    const moves = { ArrowRight: end / 100, ArrowUp: end / 100, ArrowLeft: -end / 100,
      ArrowDown: -end / 100, PageUp: end / 10, PageDown: -end / 10 };
    const to = event.key === "Home" ? 0 : event.key === "End" ? end
      : event.key in moves ? +slider.value + moves[event.key] : null;
    if (to === null) return;
    event.preventDefault();
    seek(selector, Math.min(end, Math.max(0, to)));
  };
  const observer = new ResizeObserver(() => {
    const now = svg.getBoundingClientRect().width;
    if (now && Math.abs(now - width) > 0.5) { width = now; draw(); }
  });
  observer.observe(svg);
  width = svg.getBoundingClientRect().width;
  if (width) draw();
  const stop = follow(selector, mark);
  return parentElement.regclsStop = () => { stop(); observer.disconnect(); };
}
"""
_VALUES_HTML = '<div class="moment"></div><div class="cards"></div>'
_VALUES_CSS = """
.moment { font: .875rem/1.5 var(--st-font); color: var(--st-text-color); }
.cards { display: flex; flex-wrap: wrap; gap: .5rem; font: 1rem/1.5 var(--st-font);
  color: var(--st-text-color); }
.card { border-left: 6px solid; padding: .1rem 0 .1rem .7rem; flex: 1 1 7rem; }
.number { font-size: 2.1rem; line-height: 1.3; font-weight: 600; font-variant-numeric: tabular-nums; }
.number small { font-size: 1rem; font-weight: 400; }
.note, .kind { font-size: .85rem; opacity: .85; }
"""
_VALUES_JS = """
export default function ({ data, parentElement }) {
  parentElement.regclsStop?.();  // of the call before, with older data
  const cards = parentElement.querySelector(".cards");
  const moment = parentElement.querySelector(".moment");
  const numbers = data.models.map((model) => {
    const card = document.createElement("div");
    card.className = "card";
    card.style.borderColor = model.colour;
    card.innerHTML = '<div><b></b></div><div class="kind"></div><div class="number"><span></span><small>%</small></div>' +
      '<div class="note"></div>';
    card.querySelector("b").textContent = model.name;
    card.querySelector(".kind").textContent = model.kind;
    card.querySelector(".note").textContent = model.note;
    return [model, card, card.querySelector("span")];
  });
  cards.replaceChildren(...numbers.map(([, card]) => card));
  const update = (now) => {
    const at = nearest(data.seconds, now);
    const truth = data.truth ? ` · true progress ${data.truth[at].toFixed(0)}%` : "";
    moment.textContent = `At ${data.seconds[at].toFixed(1)} s${truth}`;
    for (const [model, , number] of numbers) number.textContent = model.values[at].toFixed(0);
  };
  return parentElement.regclsStop = follow(data.selector, update);
}
"""
_curves = st.components.v2.component(
    "regcls.film_curves", html=_CURVES_HTML, css=_CURVES_CSS, js=_FOLLOW + _CURVES_JS
)
_values = st.components.v2.component(
    "regcls.film_values", html=_VALUES_HTML, css=_VALUES_CSS, js=_FOLLOW + _VALUES_JS
)


@dataclass(frozen=True)
class Line:
    """One curve: its values (n,), colour and dash, as in SVG."""

    values: np.ndarray
    colour: str
    dash: str = ""


def player(data: bytes, name: str) -> None:
    """Draw the video, which plays once without sound."""
    st.html(_STYLE)
    with st.container(key=PLAYER):
        st.video(data, autoplay=True, muted=True, alt=name)


def curves(
    seconds: np.ndarray, lines: Mapping[str, Line], end: float, texts: tuple[str, str], key: str
) -> None:
    """Draw curves from 0 to 100% over the time of the video, with a line at the moment it shows.

    A click on the curves, or the slider below them, moves the video. ``texts`` are the title and the
    alternative text.
    """
    title, alt = texts
    series = [
        {"name": name, "values": _rounded(one.values), "colour": one.colour, "dash": one.dash}
        for name, one in lines.items()
    ]
    data = {
        "seconds": _rounded(seconds, 3),
        "series": series,
        "end": end,
        "height": PLOT_HEIGHT,
        "selector": f".st-key-{PLAYER}",
        "title": title,
        "alt": alt,
    }
    _curves(data=data, key=key)


def values(
    seconds: np.ndarray,
    models: Mapping[str, tuple[Line, str]],
    truth: np.ndarray | None,
    key: str,
) -> None:
    """Draw one card per model with its value at the moment that the video shows, and a note."""
    listed = [
        {
            "name": model,
            "kind": DESCRIPTIONS.get(model, ""),
            "values": _rounded(line.values),
            "colour": line.colour,
            "note": note,
        }
        for model, (line, note) in models.items()
    ]
    data = {
        "seconds": _rounded(seconds, 3),
        "models": listed,
        "truth": None if truth is None else _rounded(truth),
        "selector": f".st-key-{PLAYER}",
    }
    _values(data=data, key=key)


def _rounded(numbers: np.ndarray, digits: int = 1) -> list[float]:
    return [round(float(number), digits) for number in numbers]
