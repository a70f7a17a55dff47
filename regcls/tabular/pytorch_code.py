"""PyTorch code for a network with the settings that a comparison selected."""

from __future__ import annotations

from regcls.nn.labels import PADDING_IN_SIGMAS, SIGMA_IN_BIN_WIDTHS
from regcls.nn.tabular_model import COMPARED_ROWS, INTERPOLATION, LEAST_VARIANCE
from regcls.tabular.methods import NAMES
from regcls.tabular.plan import HIDDEN, Setting, batch_size
from regcls.tabular.reweighting import BINS, COUNT_LIMITS, lds_kernel

_HEAD = '''"""{name}: a network with the settings selected for “{target}”. Requires numpy and torch."""
import numpy as np
import torch
from torch import nn, tensor


def train(x, y, epochs={epochs}, seed=0):
    """Train on x (n, d), standardised and without missing values, and y (n,).

    Returns a function that predicts y (m,) for new rows x (m, d).
    """
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
_CLIP = "    count = count.clip({fewest}, {most})\n"
_ROOT = "    count = np.sqrt(count)\n"
_LDS = """    # Kernel of label distribution smoothing (Yang et al. 2021).
    count = np.convolve(count, {kernel}, mode="same")
"""
_WEIGHTS = """    w = 1 / count[which]
    w = tensor(np.float32(w / w.mean()))
"""
_WEIGHTS_OF = {
    "inverse": _CLIP,
    "sqrt-inverse": _ROOT,
    "lds": _ROOT + _LDS,
    "lds-inverse": _CLIP + _LDS,
}
_WEIGHTED = "            loss = {weight} * (w[rows] * (value(h)[:, 0] - t[rows]) ** 2).mean()\n"

_EQUALIZED = """    # Equalized bins (Pintea et al. 2023): merge bins on one level of the equalised histogram.
    edges = np.linspace(float(t.min()), float(t.max()), {classes} + 1)
    share = np.cumsum(np.histogram(t.numpy(), edges)[0]) / len(t)
    cut = np.flatnonzero(np.diff(np.ceil(share * {classes} - 1e-9)) > 0)
    label = torch.bucketize(t, tensor(np.float32(edges[cut + 1])), right=True)
    count = torch.bincount(label)
    # Probability of keeping a label, so that the classes are balanced.
    keep = count[count > 0].min() / count[label]
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
_CENTRES = "    edges = tensor(np.float32(np.r_[float(t.min()), edges[cut + 1], float(t.max())]))\n"
_CLASSES_CENTRES = "    centres = (edges[1:] + edges[:-1]) / 2\n"
_CLASSES_HEADS = "    logits = nn.Linear({h2}, classes)\n    parts = [body, logits]\n"
_CLASSES = """            shown = torch.rand(len(rows)) < keep[rows]
            entropy = nn.functional.cross_entropy(logits(h), label[rows], reduction="none")
            loss = (entropy * shown).sum() / shown.sum().clamp(min=1)
"""
_NLL_HEADS = "    value = nn.Linear({h2}, 2)\n    parts = [body, value]\n"
_NLL = """            # β-NLL (Seitzer et al. 2022): the likelihood, weighted by its standard deviation.
            centre, raw = value(h).unbind(dim=1)
            var = nn.functional.softplus(raw) + {least}
            nll = 0.5 * (var.log() + (centre - t[rows]) ** 2 / var)
            loss = {weight} * (var.detach().sqrt() * nll).mean()
"""
_UNIT = """            # At most {compared} rows of the batch are compared.
            some = rows[:{compared}]
            z = nn.functional.normalize(h[:{compared}], dim=1)
            apart = (t[some][:, None] - t[some]).abs()
"""
_RANKS = """    def ranks(scores):  # 1 / k for the largest
        order = scores.argsort(dim=1, descending=True).argsort(dim=1)
        return (order + 1) / scores.shape[1]

"""
_RANKSIM = """            # RankSim (Gong et al. 2022): the features rank the rows as the targets do; ranks get the
            # gradient of Vlastelica et al. (2020). Equal targets are ranked in any order.
            alike, wanted = z @ z.T, ranks(-apart)
            found = ranks(alike.detach())
            slope = 2 * (found - wanted) / found.numel()
            moved = ranks(alike.detach() + {interpolation} * slope)
            rank_loss = (alike * (moved - found) / {interpolation}).sum()
            loss = {weight} * (((value(h)[:, 0] - t[rows]) ** 2).mean() + {strength} * rank_loss)
"""
_OE = """            # Ordinal entropy (Zhang et al. 2023), for targets that are all different.
            upper = torch.triu(torch.ones_like(apart), 1) > 0
            share = (apart[upper] - apart[upper].min()) / apart.max()
            spread = (share * ((2 - 2 * z @ z.T)[upper].clamp(min=1e-8)).sqrt()).mean()
            loss = {weight} * (((value(h)[:, 0] - t[rows]) ** 2).mean() - {strength} * spread)
"""
_BMC = """            # Balanced MSE (Ren et al. 2022): contrast each target with all targets of the batch.
            v = value(h)
            near = -((v - t[rows][None]) ** 2) / (2 * {variance})
            own = nn.functional.cross_entropy(near, torch.arange(len(rows)))
            loss = {weight} * own * 2 * {variance}
"""
_HL_BEFORE = """    # Soft labels of HL-Gauss (Imani and White 2018): a Gaussian of σ = {widths} class widths; the
    # classes reach {padding} σ beyond the targets.
    sigma = {widths} * (t.max() - t.min()) / ({soft_classes} - {lost})
    edges = torch.linspace(
        t.min() - {padding} * sigma, t.max() + {padding} * sigma, {soft_classes} + 1
    )
    below = torch.special.ndtr((edges - t[:, None]) / sigma)
    soft = below.diff(dim=1) / (below[:, -1:] - below[:, :1])
    centres = (edges[1:] + edges[:-1]) / 2
"""
_HL_HEADS = "    logits = nn.Linear({h2}, {soft_classes})\n    parts = [body, logits]\n"
_HL = "            loss = {weight} * nn.functional.cross_entropy(logits(h), soft[rows])\n"


def snippet(kind: str, setting: Setting, target: str, rows: int, steps: int) -> str:
    """Return a Python script that trains one kind of network.

    Parameters
    ----------
    kind : str
        Kind of network.
    setting : Setting
        Its setting.
    target : str
        Name of the target, for the script's docstring.
    rows, steps : int
        Training rows and steps of the comparison, which give batch size and epochs.

    Returns
    -------
    str
        Python code with a function ``train(x, y)``.

    Raises
    ------
    ValueError
        If ``kind`` is not a kind of network.

    Examples
    --------
    >>> from regcls.tabular.plan import DEFAULT_SETTING
    >>> code = snippet("reg", DEFAULT_SETTING, "price", rows=300, steps=400)
    >>> "loss = 1 * ((value(h)[:, 0] - t[rows]) ** 2).mean()" in code
    True
    """
    before, heads, loss, value = _parts(kind, setting)
    batch = batch_size(rows)
    values = {
        "h1": HIDDEN[0],
        "h2": HIDDEN[1],
        "lr": setting.lr,
        "decay": setting.weight_decay,
        "weight": 1 if kind == "reg" else setting.weight,
        "classes": setting.classes,
        "variance": setting.variance,
        "strength": setting.strength,
        "least": LEAST_VARIANCE,
        "compared": COMPARED_ROWS,
        "interpolation": INTERPOLATION,
        "batch": batch,
        "bins": BINS,
        "fewest": COUNT_LIMITS[0],
        "most": COUNT_LIMITS[1],
        "kernel": lds_kernel().round(6).tolist(),
        "soft_classes": setting.soft_classes,
        "widths": SIGMA_IN_BIN_WIDTHS,
        "padding": PADDING_IN_SIGMAS,
        "lost": 2 * PADDING_IN_SIGMAS * SIGMA_IN_BIN_WIDTHS,
        "name": NAMES[kind],
        "target": target.replace("\\", "/").replace('"', "'").replace("\n", " "),
        "epochs": max(5, round(steps * batch / rows)),
        "value": value,
    }
    parts = {"before": before, "heads": heads, "loss": loss}
    return _HEAD.format(**values, **{k: part.format(**values) for k, part in parts.items()})


def _parts(kind: str, setting: Setting) -> tuple[str, str, str, str]:
    """Return the code before the network, of its heads and of its loss, and its prediction."""
    value = "value(h)[:, 0]"
    if kind in ("reg", "control"):
        return "", _VALUE, _SQUARED, value
    if kind in _WEIGHTS_OF:
        return _COUNTS + _WEIGHTS_OF[kind] + _WEIGHTS, _VALUE, _WEIGHTED, value
    if kind in ("reg+cls", "classes"):
        equalized = setting.bins == "equalized"
        edges = _EQUALIZED if equalized else _EQUAL_WIDTH
        if kind == "reg+cls":
            return edges, _CLS_HEADS, _CLS, value
        edges += _CENTRES * equalized + _CLASSES_CENTRES
        return edges, _CLASSES_HEADS, _CLASSES, "torch.softmax(logits(h), 1) @ centres"
    if kind == "beta-nll":
        return "", _NLL_HEADS, _NLL, value
    if kind == "ranksim":
        return _RANKS, _VALUE, _UNIT + _RANKSIM, value
    if kind == "ordinal-entropy":
        return "", _VALUE, _UNIT + _OE, value
    if kind == "bmc":
        return "", _VALUE, _BMC, value
    if kind == "hl-gauss":
        return _HL_BEFORE, _HL_HEADS, _HL, "torch.softmax(logits(h), 1) @ centres"
    raise ValueError(f"there is no PyTorch code for {kind!r}")
