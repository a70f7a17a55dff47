"""Replay of a recorded training: plays in the browser, without running the page again."""

from __future__ import annotations

from typing import Any

import streamlit as st

from regcls.lab.replay import DIGITS, TITLE, Replay
from regcls.lab.settings import MODELS
from regcls.plotting.style import (
    COLOURS,
    DASHES,
    FUNCTION,
    FUNCTION_COLOUR,
    HISTOGRAM_COLOUR,
    NAMES,
)

_HTML = """
<div class="replay" data-state="ended">
  <div class="plots">
    <svg class="fit" role="img"></svg>
    <table>
      <thead><tr><th scope="col">model</th><th scope="col" colspan="2">test MSE</th></tr></thead>
      <tbody></tbody>
    </table>
  </div>
  <div class="controls">
    <button type="button"></button>
    <input type="range" min="0" step="1" aria-label="Epoch">
    <output></output>
  </div>
</div>
"""
_CSS = """
.replay { container-type: inline-size; font-family: var(--st-font); color: var(--st-text-color); font-size: 14px;
  --quiet: color-mix(in srgb, var(--st-text-color) 78%, var(--st-background-color)); }
.plots { display: grid; grid-template-columns: minmax(0, 1fr) 270px; gap: 1.25rem;
  align-items: center; }
.fit { display: block; width: 100%; height: 372px; }
.fit text { font: 12px var(--st-font); fill: var(--quiet); }
.fit path { fill: none; stroke-linejoin: round; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th { font-weight: 400; text-align: left; color: var(--quiet); font-size: 12px; }
thead th { padding-bottom: .35rem; }
tbody th { color: var(--st-text-color); font-size: 14px; padding: .45rem .5rem .45rem 0; }
tbody th svg { width: 26px; height: 10px; margin-right: .4rem; vertical-align: middle; }
tbody th small { display: block; color: var(--quiet); font-size: 12px; padding-left: 32px; }
td.number { text-align: right; width: 3rem; font-weight: 600; }
td.bar { width: 64px; padding-left: .5rem; }
td.bar div { height: 12px; border-radius: 2px; min-width: 1px; }
.controls { display: flex; gap: .75rem; align-items: center; margin-top: .5rem; }
button { font: 600 14px var(--st-font); min-width: 5.6rem; min-height: 2.25rem; cursor: pointer;
  color: var(--st-background-color); background: var(--st-primary-color); border: 0;
  border-radius: .5rem; }
button:focus-visible, input:focus-visible { outline: 2px solid var(--st-primary-color);
  outline-offset: 2px; }
input { flex: 1; min-width: 4rem; min-height: 1.5rem; accent-color: var(--st-primary-color); }
output { min-width: 7.6rem; text-align: right; font-variant-numeric: tabular-nums; }
@container (max-width: 720px) {
  .plots { grid-template-columns: minmax(0, 1fr); gap: .25rem; }
  .fit { height: 340px; }
  tbody th { padding-block: .2rem; }
  output { min-width: 6.6rem; font-size: 13px; }
}
"""
_JS = """
const SECONDS = 8, SEEN = "regcls-replay-seen", SVG = "http://www.w3.org/2000/svg";
const LEFT = 46, BELOW = 40, ABOVE = 26, GAP = 14;

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".replay");
  root.player ??= player(root);
  root.player.show(data);
  return () => root.player.stop();
}

function player(root) {
  const find = (name) => root.querySelector(name);
  const fit = find(".fit"), button = find("button"), slider = find("input"), output = find("output");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");
  let data = null, values = null, lines = [], rows = [], scale = null;
  let position = null, playing = false, before = 0, watching = null;

  const node = (name, attributes, parent, text) => {
    const made = document.createElementNS(SVG, name);
    for (const key in attributes) made.setAttribute(key, attributes[key]);
    if (text !== undefined) made.textContent = text;
    parent.append(made);
    return made;
  };
  const last = () => data.epochs.length - 1;
  const value = (frame, model, i) => values[(frame * data.models.length + model) * data.points + i];
  const between = (at) => {
    const low = Math.min(Math.floor(at), last()), high = Math.min(low + 1, last());
    return [low, high, at - low];
  };
  const mixed = (list, at) => {
    const [low, high, share] = between(at);
    return list[low] + share * (list[high] - list[low]);
  };
  const path = (y) => {
    let text = "";
    for (let i = 0; i < data.points; i++)
      text += `${i ? "L" : "M"}${scale.x(-1 + (2 * i) / (data.points - 1)).toFixed(1)},` +
        scale.y(y(i) * data.unit).toFixed(1);
    return text;
  };

  function axes() {
    const width = fit.clientWidth, height = fit.clientHeight;
    if (!width) return;
    fit.replaceChildren();
    fit.setAttribute("viewBox", `0 0 ${width} ${height}`);
    const bars = Math.min(90, 0.16 * width), right = width - bars - GAP - 2, bottom = height - BELOW;
    const [low, high] = data.axis;
    scale = {
      x: (x) => LEFT + ((x + 1) / 2) * (right - LEFT),
      y: (y) => bottom - ((y - low) / (high - low)) * (bottom - ABOVE),
    };
    node("text", { x: 0, y: 14, style: "font-weight:600;font-size:15px;fill:var(--st-text-color)" },
      fit, data.title);
    for (let y = Math.ceil(low * 2) / 2; y <= high; y += 0.5) {
      const line = { x1: LEFT, x2: right, y1: scale.y(y), y2: scale.y(y) };
      node("line", { ...line, style: "stroke:var(--st-border-color);stroke-opacity:.6" }, fit);
      const text = y.toFixed(1).replace("-", "−");
      node("text", { x: LEFT - 6, y: scale.y(y) + 4, "text-anchor": "end" }, fit, text);
    }
    for (const x of [-1, -0.5, 0, 0.5, 1]) {
      const anchor = x === -1 ? "start" : x === 1 ? "end" : "middle";
      node("text", { x: scale.x(x), y: bottom + 17, "text-anchor": anchor }, fit,
        String(x).replace("-", "−"));
    }
    node("text", { x: (LEFT + right) / 2, y: bottom + 34, "text-anchor": "middle" }, fit, "input x");
    node("text", { transform: `translate(11 ${(ABOVE + bottom) / 2}) rotate(-90)`,
      "text-anchor": "middle" }, fit, "target y");
    const middle = right + GAP + bars / 2;
    ["training", "targets"].forEach((word, i) =>
      node("text", { x: middle, y: bottom + 17 + 15 * i, "text-anchor": "middle" }, fit, word));
    histogram(right + GAP, bars);
    const clip = node("clipPath", { id: "inside" }, fit);
    node("rect", { x: LEFT, y: ABOVE - 4, width: right - LEFT, height: bottom - ABOVE + 8 }, clip);
    const area = node("g", { "clip-path": "url(#inside)" }, fit);
    const truth = { stroke: data.functionColour, "stroke-width": 5, "stroke-opacity": 0.65 };
    node("path", { ...truth, d: path((i) => data.function[i]) }, area);
    lines = data.models.map((model) => node("path", { stroke: model.colour, "stroke-width": 2.25,
      "stroke-dasharray": model.dash, "data-model": model.key }, area));
  }

  function histogram(left, width) {
    const [low, high] = data.limits, step = (high - low) / data.targets.length;
    const most = Math.max(...data.targets);
    node("line", { x1: left, x2: left, y1: scale.y(low), y2: scale.y(high),
      style: "stroke:var(--st-border-color)" }, fit);
    data.targets.forEach((share, i) => {
      const top = scale.y(low + (i + 1) * step), end = scale.y(low + i * step);
      const bar = node("rect", { x: left, y: top + 0.5, width: (share / most) * width,
        height: Math.max(end - top - 1, 1), fill: data.histogramColour }, fit);
      node("title", {}, bar, `${(100 * share).toFixed(1)}% of the training targets`);
    });
  }

  function table() {
    const body = find("tbody");
    body.replaceChildren();
    const cell = (name, kind, row) => {
      const made = document.createElement(name);
      if (kind) made.className = kind;
      row.append(made);
      return made;
    };
    rows = data.models.map((model) => {
      const row = document.createElement("tr"), head = cell("th", "", row);
      head.scope = "row";
      swatch(head, model.colour, model.dash, 3, 1);
      head.append(model.name);
      if (model.note) {
        const note = document.createElement("small");
        note.textContent = model.note;
        head.append(note);
      }
      const bar = cell("td", "bar", row), number = cell("td", "number", row);
      const fill = bar.appendChild(document.createElement("div"));
      fill.style.background = model.colour;
      body.append(row);
      return { fill, number };
    });
    const row = document.createElement("tr"), head = cell("th", "", row);
    head.scope = "row";
    swatch(head, data.functionColour, "none", 5, 0.65);
    head.append(data.functionName);
    body.append(row);
  }

  function swatch(parent, colour, dash, width, opacity) {
    const svg = node("svg", { "aria-hidden": "true", viewBox: "0 0 26 10" }, parent);
    node("line", { x1: 0, x2: 26, y1: 5, y2: 5, stroke: colour, "stroke-width": width,
      "stroke-dasharray": dash, "stroke-opacity": opacity }, svg);
  }

  function draw() {
    if (!scale) return;
    const at = calm.matches ? Math.round(position) : position, [low, high, share] = between(at);
    data.models.forEach((_, model) => {
      const y = (i) => (1 - share) * value(low, model, i) + share * value(high, model, i);
      lines[model].setAttribute("d", path(y));
      const error = mixed(data.errors[model], at);
      rows[model].number.textContent = error.toFixed(3);
      rows[model].fill.style.width = `${Math.min(100, (100 * error) / data.most)}%`;
    });
    const epoch = mixed(data.epochs, at), all = data.epochs[last()];
    output.textContent = `epoch ${epoch < 9.95 ? epoch.toFixed(1) : Math.round(epoch)} of ${all}`;
    slider.value = Math.round(at);
    slider.setAttribute("aria-valuetext", output.textContent);
    root.dataset.frame = Math.round(at);
    const state = playing ? "playing" : position >= last() ? "ended" : "paused";
    if (root.dataset.state !== state || !button.textContent) {
      root.dataset.state = state;
      button.textContent = { playing: "Pause", ended: "Replay", paused: "Play" }[state];
    }
  }

  function tick(now) {
    if (!playing) return;
    // A frame may be dated before the click that started it.
    position += (Math.min(Math.max(now - before, 0), 100) / 1000 / SECONDS) * last();
    before = now;
    if (position >= last()) { position = last(); playing = false; }
    draw();
    if (playing) requestAnimationFrame(tick);
  }
  function play() {
    forget();
    if (position >= last()) position = 0;
    playing = true;
    before = performance.now();
    draw();
    requestAnimationFrame(tick);
  }
  function stop() { playing = false; forget(); }
  function forget() { watching?.disconnect(); watching = null; }

  // The first visit of a browser tab starts before training, and plays once the plot is in view.
  function begin() {
    let seen = true;
    try { seen = sessionStorage.getItem(SEEN) !== null; } catch {}
    position = seen || calm.matches ? last() : 0;
    if (position) return;
    watching = new IntersectionObserver((entries) => {
      if (!entries.some((entry) => entry.isIntersecting)) return;
      try { sessionStorage.setItem(SEEN, "1"); } catch {}
      play();
    }, { threshold: 0.4 });
    watching.observe(fit);
  }

  button.onclick = () => { if (playing) { stop(); draw(); } else play(); };
  slider.oninput = () => { stop(); position = Number(slider.value); draw(); };
  new ResizeObserver(() => { if (data) { axes(); draw(); } }).observe(fit);

  return {
    stop,
    show(given) {
      data = given;
      const bytes = Uint8Array.from(atob(data.frames), (c) => c.charCodeAt(0));
      values = new Int16Array(bytes.buffer);
      slider.max = last();
      fit.setAttribute("aria-label", `${data.title}. ${data.caption}`);
      if (position === null) begin();
      position = Math.min(position, last());
      table();
      axes();
      draw();
    },
  };
}
"""
_component = st.components.v2.component("regcls.replay", html=_HTML, css=_CSS, js=_JS)


def replay(shown: Replay, key: str) -> None:
    """Draw a recording with its player: it plays once on a tab's first visit."""
    _component(data=_data(shown), key=key)


def _data(shown: Replay) -> dict[str, Any]:
    """Return what the browser draws; predictions stay in their compact form."""
    errors = [list(model) for model in zip(*shown.test_mse, strict=True)]
    models = [
        {
            "key": model,
            "name": model,
            "note": _note(model),
            "colour": COLOURS[model],
            "dash": "none" if DASHES[model] == [1, 0] else " ".join(map(str, DASHES[model])),
        }
        for model in MODELS
    ]
    return {
        "title": TITLE,
        "caption": shown.caption,
        "models": models,
        "points": len(shown.function),
        "unit": 10**-DIGITS,
        "function": list(shown.function),
        "functionName": FUNCTION,
        "functionColour": FUNCTION_COLOUR,
        "histogramColour": HISTOGRAM_COLOUR,
        "frames": shown.frames,
        "epochs": list(shown.epochs),
        "errors": errors,
        "most": _most(shown),
        "targets": list(shown.targets),
        "limits": list(shown.limits),
        "axis": list(shown.axis),
    }


def _most(shown: Replay) -> float:
    """Return the error of a full bar: the largest from the end of the first epoch on."""
    later = zip(shown.epochs, shown.test_mse, strict=True)
    return max(max(errors) for epoch, errors in later if epoch >= 1)


def _note(model: str) -> str:
    """Return the part of a model's display name in parentheses, without them."""
    return NAMES[model].partition(" (")[2].rstrip(")")
