"""Check that a model predicts the same for an image in every run and in every batch."""

from __future__ import annotations

from typing import TYPE_CHECKING

from regcls.inference import contract, graph
from regcls.inference.contract import ContractError
from regcls.inference.custom.sandbox import Gap, Trial

if TYPE_CHECKING:
    import onnx

_RANDOM = {
    "Bernoulli", "Dropout", "Multinomial", "RandomNormal", "RandomNormalLike", "RandomUniform",
    "RandomUniformLike",
}  # fmt: skip
_SUBJECTS = {"value": "the prediction", "logits": "the output 'logits'"}


def check(trial: Trial, data: bytes) -> None:
    """Check that the outputs for an image depend on that image only.

    Parameters
    ----------
    trial : Trial
        Result of the trial run.
    data : bytes
        The ONNX file, from which the message names the operator that is the likely cause.

    Raises
    ------
    ContractError
        If an output differs between two runs on the same image, or between the image alone and in
        a batch, by more than `regcls.inference.custom.sandbox.Output.tolerance`.
    """
    for name, output in trial.outputs.items():
        random = output.repeat.size > output.tolerance
        mixed = output.batch.size > output.tolerance
        if not random and not mixed:
            continue
        model = contract.parse(data)
        operators = _random_operators(model)
        # Batch normalisation that updates its statistics also differs between two runs; the batch
        # is what has to be named then.
        if random and (operators or not mixed):
            raise ContractError(_random_text(name, output.repeat, operators))
        raise ContractError(_batch_text(name, output.batch, model))


def _random_text(name: str, gap: Gap, operators: str) -> str:
    named = f" (operator {operators})" if operators else ""
    return (
        f"{_subject(name)} for the same image differs between two runs ({_values(gap, 'and')}): "
        f"the model is random{named}; export it in evaluation mode, without active dropout"
    )


def _batch_text(name: str, gap: Gap, model: onnx.ModelProto) -> str:
    text = (
        f"{_subject(name)} for an image changes with the other images of the batch "
        f"({_values(gap, 'against')})"
    )
    if any(_is_training(node) for node in graph.nodes_of(model)):
        return f"{text}: batch normalisation is in training mode; export it in evaluation mode"
    if any(node.op_type == "DynamicQuantizeLinear" for node in graph.nodes_of(model)):
        return (
            f"{text}: dynamic quantisation takes its scale from the whole batch; quantise the "
            "model statically or export it in float32"
        )
    return (
        f"{text}; export the model in evaluation mode, without operations over the batch dimension"
    )


def _subject(name: str) -> str:
    return _SUBJECTS.get(name, f"the output '{name}'")


def _values(gap: Gap, word: str) -> str:
    """Return both values with as many digits as show their difference."""
    texts = [(f"{gap.first:.{n}g}", f"{gap.second:.{n}g}") for n in range(2, 10)]
    first, second = next((pair for pair in texts if pair[0] != pair[1]), texts[-1])
    return f"{first} {word} {second}"


def _random_operators(model: onnx.ModelProto) -> str:
    # Dropout with one input is never active.
    found = {n.op_type for n in graph.nodes_of(model) if n.op_type in _RANDOM}
    if "Dropout" in found and not any(_is_active(n) for n in graph.nodes_of(model)):
        found.remove("Dropout")
    return ", ".join(sorted(found))


def _is_active(node: onnx.NodeProto) -> bool:
    """Whether a node is a dropout with the input ``training_mode``."""
    return node.op_type == "Dropout" and len(node.input) > 2 and bool(node.input[2])


def _is_training(node: onnx.NodeProto) -> bool:
    return node.op_type == "BatchNormalization" and any(
        attribute.name == "training_mode" and attribute.i for attribute in node.attribute
    )
