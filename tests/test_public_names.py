"""The public names of the package: complete, importable, and nothing heavy loads before one is used."""

from __future__ import annotations

import subprocess
import sys

import pytest

import regcls

HEAVY = {"numpy", "pandas", "torch", "onnx", "onnxruntime", "scipy", "altair", "cv2"}


@pytest.mark.parametrize("name", regcls.__all__)
def test_each_public_name_is_there(name: str) -> None:
    found = getattr(regcls, name)
    assert callable(found) and found.__doc__
    assert found.__module__.startswith("regcls.")


def test_the_list_the_table_and_dir_agree() -> None:
    assert set(regcls.__all__) == set(regcls._PUBLIC) <= set(dir(regcls))


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="'regcls' has no attribute 'Labs'"):
        _ = regcls.Labs


def test_import_loads_nothing_heavy() -> None:
    code = f"import sys, regcls; print(sorted({HEAVY!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"
