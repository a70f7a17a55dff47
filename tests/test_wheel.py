"""The wheel: in an empty environment and an empty folder, its commands and its dashboard work.

Nothing is fetched: the libraries that regcls needs are lent from the environment of the tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

from tests.helpers.server import ROOT, free_port, stop_server, wait_until_healthy

PHOTO = ROOT / "regcls" / "samples" / "grace_hopper.jpg"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    subprocess.run([*command, "--wheel-dir", str(out), str(ROOT)], check=True)
    return next(out.glob("regcls-*.whl"))


@pytest.fixture(scope="module")
def regcls(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command `regcls` of an environment that holds the wheel."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False)
    bin_folder = folder / ("Scripts" if sys.platform == "win32" else "bin")
    python = bin_folder / "python"
    install = [sys.executable, "-m", "pip", "--python", str(python), "install", "--no-deps"]
    subprocess.run([*install, "--no-index", "--quiet", str(wheel)], check=True)
    site = subprocess.run(
        [python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    # A plain line in a .pth file comes last on the path and runs no .pth files of that folder, so
    # that an editable regcls there stays out of sight.
    (Path(site) / "lent.pth").write_text(sysconfig.get_path("purelib"))
    return bin_folder / "regcls"


def run(regcls: Path, folder: Path, *arguments: object) -> str:
    done = subprocess.run(
        [regcls, *map(str, arguments)], cwd=folder, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_it_holds_the_dashboard_the_models_and_no_tests(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    for part in ("app.py", "pages/lab.py", "models/age/reg.onnx", ".streamlit/config.toml"):
        assert f"regcls/_dashboard/{part}" in names
    assert "regcls/py.typed" in names
    folders = {name.split("/")[0] for name in names}
    assert len(folders) == 2 and "regcls" in folders, folders  # and the metadata
    assert not [name for name in names if name.endswith((".pyc", ".ckpt"))]


def test_the_package_comes_from_the_wheel(regcls: Path, tmp_path: Path) -> None:
    code = "import regcls; print(regcls.__file__)"
    python = regcls.with_name("python")
    done = subprocess.run([python, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert Path(done.stdout.strip()).is_relative_to(regcls.parents[1])


def test_lab(regcls: Path, tmp_path: Path) -> None:
    small = ("--repeats", 1, "--epochs", 1, "--set", "samples=3000", "--json")
    assert set(json.loads(run(regcls, tmp_path, "lab", *small))["test_mse"]) == {
        "reg",
        "control",
        "reg+cls",
    }


def test_errors(regcls: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.csv").write_text("y_true,reg,reg+cls\n0,1,0\n4,5,4.5\n10,7,9\n")
    record = json.loads(run(regcls, tmp_path, "errors", "mine.csv", "--json"))
    assert {row["model"] for row in record["overall"]} == {"reg", "reg+cls"}


def test_predict_a_photo_with_the_shipped_pair(regcls: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(PHOTO.read_bytes())
    faces = json.loads(run(regcls, tmp_path, "predict", "age", "photo.jpg", "--json"))["faces"]
    assert len(faces) == 1 and 1 <= faces[0]["reg age"] <= 110


def test_study_grids_and_results_travel(regcls: Path, tmp_path: Path) -> None:
    record = json.loads(run(regcls, tmp_path, "study", "show", "paper", "--json"))
    assert record["source"] == "shipped" and record["models"] == 4200


def test_app_serves_the_dashboard(regcls: Path, tmp_path: Path) -> None:
    port = free_port()
    command = [regcls, "app", "--port", str(port), "--server.headless=true"]
    with open(tmp_path / "log", "wb") as log:
        app = subprocess.Popen(command, cwd=tmp_path, stdout=log, stderr=subprocess.STDOUT)
        try:
            wait_until_healthy(port, app)
        finally:
            stop_server(app)
    assert b"Traceback" not in (tmp_path / "log").read_bytes()
