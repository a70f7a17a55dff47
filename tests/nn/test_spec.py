"""Specification of networks and training: invalid settings, and no torch at import."""

import subprocess
import sys

import pytest

from regcls.nn.spec import Network, Training


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: Network(hidden=()), "hidden"),
        (lambda: Network(activation="sine"), "activation"),
        (lambda: Network(classes=1), "classes"),
        (lambda: Training(optimiser="lion"), "optimiser"),
        (lambda: Training(reg_loss="l3"), "reg_loss"),
        (lambda: Training(class_loss="firm"), "class_loss"),
        (lambda: Training(sigma=0), "sigma"),
        (lambda: Training(momentum=1.0), "momentum"),
        (lambda: Training(dtype="float16"), "dtype.*float32, float64"),
        (lambda: Training(device="abacus"), "device"),
    ],
)
def test_invalid_settings_are_named(make, word):
    with pytest.raises(ValueError, match=word):
        make()


def test_specification_does_not_import_torch():
    code = "import sys; from regcls.nn.spec import Training; Training(); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
