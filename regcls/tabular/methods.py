"""All methods of a comparison, each once: what it trains, how it is read, and where it is from."""

from __future__ import annotations

from dataclasses import dataclass

DIR = "Yang et al., “Delving into Deep Imbalanced Regression”, ICML 2021"
PRIOR = "Menon et al., “Long-tail learning via logit adjustment”, ICLR 2021"
PAPER = "Pintea et al., ICCV 2023"


@dataclass(frozen=True)
class Method:
    """One method.

    Attributes
    ----------
    name : str
        Key, also in files.
    label : str
        Name in text and charts.
    network : str
        The network whose training it uses, from `NETWORKS`; empty for other models.
    reading : {"value", "class", "prior", "mixed", "recalibrated", "refitted", "mean"} or ""
        How the network's prediction is made: by its value head; by its class head as it is, or with
        the class prior removed by a power chosen on validation rows; by a weighted mean of both
        heads; by a monotone map of the value head; by a value head that is fitted again on
        reweighted rows; by the mean with the network with square-root weights.
    source : str
        Publication; empty for what needs none.
    """

    name: str
    label: str
    network: str = ""
    reading: str = ""
    source: str = ""


_ALL = (
    Method("reg", "reg", "reg", "value"),
    Method("control", "control", "control", "value"),
    Method("reg+cls", "reg+cls", "reg+cls", "value", PAPER),
    Method("reg+cls-class", "reg+cls, class head", "reg+cls", "class"),
    Method("reg+cls-prior", "reg+cls, class prior removed", "reg+cls", "prior", PRIOR),
    Method("reg+cls-mixed", "reg+cls, both heads", "reg+cls", "mixed"),
    Method("classes", "classes only", "classes", "class"),
    Method("classes-prior", "classes only, prior removed", "classes", "prior", PRIOR),
    Method("reg-recalibrated", "reg, recalibrated", "reg", "recalibrated"),
    Method("reg+cls-recalibrated", "reg+cls, recalibrated", "reg+cls", "recalibrated"),
    Method("inverse", "inverse weights", "inverse", "value", f"{DIR}: INV"),
    Method("sqrt-inverse", "square-root weights", "sqrt-inverse", "value", f"{DIR}: SQINV"),
    Method("lds", "LDS weights", "lds", "value", f"{DIR}: LDS"),
    Method("lds-inverse", "LDS inverse weights", "lds-inverse", "value", f"{DIR}: LDS"),
    Method(
        "refitted", "reg, last layer refitted", "reg", "refitted",
        f"{DIR}: RRT; Kang et al., “Decoupling Representation and Classifier”, ICLR 2020",
    ),
    Method("mean", "mean of reg and square-root weights", "reg", "mean"),
    Method("bmc", "Balanced MSE", "bmc", "value", "Ren et al., CVPR 2022"),
    Method("hl-gauss", "HL-Gauss", "hl-gauss", "class", "Imani and White, ICML 2018"),
    Method("beta-nll", "β-NLL", "beta-nll", "value", "Seitzer et al., ICLR 2022"),
    Method("ranksim", "RankSim", "ranksim", "value", "Gong et al., ICML 2022"),
    Method("ordinal-entropy", "ordinal entropy", "ordinal-entropy", "value", "Zhang et al., ICLR 2023"),
    Method("trees", "boosted trees"),
    Method("trees-sqrt-inverse", "boosted trees, square-root weights", source=f"{DIR}: SQINV"),
    Method("ridge", "ridge regression"),
)  # fmt: skip
METHODS = {method.name: method for method in _ALL}
KINDS = tuple(METHODS)
NAMES = {method.name: method.label for method in _ALL}
# Networks that are trained, in the order of their first method.
NETWORKS = tuple(dict.fromkeys(method.network for method in _ALL if method.network))
READ_FROM_NETWORKS = tuple(method.name for method in _ALL if method.network)
TREES, RIDGE = "trees", "ridge"
OTHERS = tuple(method.name for method in _ALL if not method.network)

# Fields of a setting that a network uses beside its learning rate and weight decay, "weight" if none
# are listed.
FIELDS = {
    "reg": (),
    "reg+cls": ("weight", "classes", "bins"),
    "classes": ("classes", "bins"),
    "hl-gauss": ("weight", "soft_classes"),
    "bmc": ("weight", "variance"),
    "ranksim": ("weight", "strength"),
    "ordinal-entropy": ("weight", "strength"),
}
