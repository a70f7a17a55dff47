"""Depth charts: maps, their difference and their colours."""

from __future__ import annotations

import numpy as np

from regcls.tasks.depth import charts as depth_charts
from regcls.tasks.depth import predict
from tests.helpers.photo_files import room


def test_maps_share_one_scale_and_show_the_values_of_both_models(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    figure = depth_charts.maps(photo, point=(5, 7)).to_dict()
    heat = [trace for trace in figure["data"] if trace["type"] == "heatmap"]
    assert [trace["coloraxis"] for trace in heat] == ["coloraxis", "coloraxis"]
    low, high = depth_charts.limits(photo)
    assert figure["layout"]["coloraxis"]["cmin"] == low <= 2.0
    assert figure["layout"]["coloraxis"]["cmax"] == high >= 8.5
    assert "reg: " in heat[0]["hovertemplate"] and "reg+cls: " in heat[0]["hovertemplate"]


def test_the_true_depth_has_its_own_map(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    truth = np.full(photo.depth["reg"].shape, 5.0, np.float32)
    truth[0] = 0
    heat = [trace for trace in depth_charts.maps(photo, truth).data if trace.type == "heatmap"]
    assert len(heat) == 3 and np.isnan(heat[2].z[0]).all()


def test_the_difference_is_centred_on_zero(pair):
    photo = predict.predict_photo(room(), "room.png", pair)
    (trace,) = depth_charts.difference(photo).data
    assert trace.zmin == -trace.zmax
    assert np.allclose(trace.z, 0.5, atol=0.02)


def test_colours_span_the_whole_scale():
    ends = depth_charts.coloured(np.array([[0.0, 10.0]]), (2.0, 8.0))[0]
    assert np.abs(ends[0].astype(int) - ends[1]).max() > 150
    inside = depth_charts.coloured(np.array([[2.0, 8.0]]), (2.0, 8.0))[0]
    assert (inside == ends).all()
