"""A comparison's settings as a short PyTorch script for one's own code."""

from __future__ import annotations

from regcls.nn.labels import SIGMA_IN_BIN_WIDTHS
from regcls.tabular.plan import HIDDEN, NAMES, Setting, batch_of
from regcls.tabular.reweighting import BINS, LDS_SIGMA, LDS_SIZE

_HEAD = '''"""{name} with the settings found for “{target}”. Needs numpy and torch."""
import numpy as np
import torch
from torch import nn, tensor


def train(x, y, epochs={epochs}, seed=0):
    """x: (n, d) numbers, scaled, none missing; y: (n,). Returns a function from x to y."""
    torch.manual_seed(seed)
    mean, std = y.mean(), y.std()
    x, t = tensor(np.float32(x)), tensor(np.float32((y - mean) / std))
{before}    body = nn.Sequential(
        nn.Linear(x.shape[1], {h1}), nn.ReLU(), nn.Linear({h1}, {h2}), nn.ReLU()
    )
{heads}    adam = torch.optim.Adam([p for m in parts for p in m.parameters()], lr={lr}, weight_decay={decay})
    for _ in range(epochs):
        for rows in torch.randperm(len(t)).split({batch}):
            h = body(x[rows])
{loss}            adam.zero_grad()
            loss.backward()
            adam.step()

    @torch.no_grad()
    def predict(new):
        h = body(tensor(np.float32(new)))
        return ({value}).numpy() * std + mean

    return predict
'''

_VALUE = "    value = nn.Linear({h2}, 1)\n    parts = [body, value]\n"
_SQUARED = "            loss = {weight} * ((value(h)[:, 0] - t[rows]) ** 2).mean()\n"

_COUNTS = """    which = np.digitize(y, np.linspace(y.min(), y.max(), {bins} + 1)[1:-1])
    count = np.bincount(which, minlength={bins}).astype(float)
"""
_LDS = """    offset = np.arange({size}) - {half}
    count = np.convolve(count, np.exp(-0.5 * (offset / {sigma}) ** 2), mode="same")
"""
_WEIGHTS = """    w = 1 / count[which]{power}
    w = tensor(np.float32(w / w.mean()))
"""
_WEIGHTED = "            loss = {weight} * (w[rows] * (value(h)[:, 0] - t[rows]) ** 2).mean()\n"

_EQUALIZED = """    # Equalized bins (Pintea et al. 2023): levels of the cumulated histogram, merged.
    edges = np.linspace(float(t.min()), float(t.max()), {classes} + 1)
    share = np.cumsum(np.histogram(t.numpy(), edges)[0]) / len(t)
    cut = np.flatnonzero(np.diff(np.ceil(share * {classes} - 1e-9)) > 0)
    label = torch.bucketize(t, tensor(np.float32(edges[cut + 1])), right=True)
    count = torch.bincount(label)
    keep = count[count > 0].min() / count[label]  # so that all classes are seen alike
    classes = len(count)
"""
_EQUAL_WIDTH = """    edges = torch.linspace(t.min(), t.max(), {classes} + 1)
    label, classes = torch.bucketize(t, edges[1:-1], right=True), {classes}
    keep = torch.ones(len(t))
"""
_CLS_HEADS = """    value, logits = nn.Linear({h2}, 1), nn.Linear({h2}, classes)
    parts = [body, value, logits]
"""
_CLS = """            shown = torch.rand(len(rows)) < keep[rows]
            entropy = nn.functional.cross_entropy(logits(h), label[rows], reduction="none")
            loss = {weight} * ((value(h)[:, 0] - t[rows]) ** 2).mean()
            loss = loss + (entropy * shown).sum() / shown.sum().clamp(min=1)
"""
_BMC = """            v = value(h)  # Balanced MSE (Ren et al. 2022), against all targets of the batch
            near = -((v - t[rows][None]) ** 2) / (2 * {variance})
            own = nn.functional.cross_entropy(near, torch.arange(len(rows)))
            loss = {weight} * own * 2 * {variance}
"""
_HL_BEFORE = """    edges = torch.linspace(t.min(), t.max(), {classes} + 1)
    below = torch.special.ndtr((edges - t[:, None]) / ({widths} * (edges[1] - edges[0])))
    soft = below.diff(dim=1) / (below[:, -1:] - below[:, :1])  # HL-Gauss (Imani & White 2018)
    centres = (edges[1:] + edges[:-1]) / 2
"""
_HL_HEADS = "    logits = nn.Linear({h2}, {classes})\n    parts = [body, logits]\n"
_HL = "            loss = {weight} * nn.functional.cross_entropy(logits(h), soft[rows])\n"


def snippet(kind: str, setting: Setting, target: str, rows: int, steps: int) -> str:
    """A script for a kind of network; ``rows`` and ``steps`` of training give its epochs."""
    before, heads, loss, value = "", _VALUE, _SQUARED, "value(h)[:, 0]"
    if kind in ("inverse", "sqrt-inverse", "lds"):
        before = _COUNTS + (_LDS if kind == "lds" else "") + _WEIGHTS
        loss = _WEIGHTED
    elif kind == "reg+cls":
        before = _EQUALIZED if setting.bins == "equalized" else _EQUAL_WIDTH
        heads, loss = _CLS_HEADS, _CLS
    elif kind == "bmc":
        loss = _BMC
    elif kind == "hl-gauss":
        before, heads, loss = _HL_BEFORE, _HL_HEADS, _HL
        value = "torch.softmax(logits(h), 1) @ centres"
    elif kind not in ("reg", "control"):
        raise ValueError(f"there is no PyTorch code for {kind!r}")
    batch = batch_of(rows)
    values = {
        "h1": HIDDEN[0], "h2": HIDDEN[1], "lr": setting.lr, "decay": setting.weight_decay,
        "weight": 1 if kind == "reg" else setting.weight, "classes": setting.classes,
        "variance": setting.variance, "batch": batch, "bins": BINS, "size": LDS_SIZE,
        "half": LDS_SIZE // 2, "sigma": LDS_SIGMA, "widths": SIGMA_IN_BIN_WIDTHS,
        "power": " ** 0.5" if kind == "sqrt-inverse" else "",
    }  # fmt: skip
    safe = target.replace("\\", "/").replace('"', "'").replace("\n", " ")
    return _HEAD.format(
        name=NAMES[kind], target=safe, epochs=max(5, round(steps * batch / rows)), value=value,
        before=before.format(**values), heads=heads.format(**values), loss=loss.format(**values),
        **{k: values[k] for k in ("h1", "h2", "lr", "decay", "batch")},
    )  # fmt: skip
