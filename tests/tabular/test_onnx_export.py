"""ONNX files of a comparison: predictions, metadata and outputs of every model kind."""

from __future__ import annotations

import io
import json
import zipfile

import numpy as np
import onnxruntime

from regcls.tabular.methods import KINDS, METHODS
from regcls.tabular.onnx_export import onnx_bytes, onnx_zip


def test_onnx_files_give_the_predictions_of_the_models(done):
    problem = done.plan.problem
    values = problem.values.copy()
    values[0, 2], values[1, 2], values[2, 2] = 3, -1, np.nan  # unknown levels
    for kind in KINDS:
        session = onnxruntime.InferenceSession(onnx_bytes(done.models[kind], problem))
        got = session.run(["value"], {"table": values.astype(np.float32)})[0]
        safe = np.where(np.isnan(values[:, 2]) | (values[:, 2] < 0), 3, values[:, 2])
        coded = np.column_stack([values[:, :2], safe])
        np.testing.assert_allclose(got, done.models[kind].predict(coded), atol=1e-4)
        metadata = json.loads(session.get_modelmeta().custom_metadata_map["regcls_table"])
        assert [c["name"] for c in metadata["columns"]] == ["a", "b", "kind"]
        names = {output.name for output in session.get_outputs()}
        assert ("logits" in names) == (METHODS[kind].reading in ("class", "prior", "mixed"))
    with zipfile.ZipFile(io.BytesIO(onnx_zip(done.models, problem))) as archive:
        assert len(archive.namelist()) == len(KINDS)
