"""Charts of a search: what stands out, what is drawn where, and what they say without a picture."""

import numpy as np
import pandas as pd
import pytest

from forecasting.plots import describe, importance_chart, parallel_chart, search_chart


def trials(values, states=None):
    return pd.DataFrame({"number": range(1, len(values) + 1), "value": values, "words": "units 32",
                         "state": states or ["finished"] * len(values)})


def traces(figure):
    return {trace.name: trace for trace in figure.data}


def test_the_best_so_far_falls_and_the_axis_has_room_for_all_that_is_planned():
    figure = search_chart(trials([1.0, 0.98, 0.99, 0.97]), 1.0, planned=40)
    drawn = traces(figure)
    assert list(drawn["Best so far"].y) == [1.0, 0.98, 0.98, 0.97]
    assert figure.layout.xaxis.range == (0.5, 40.5)
    assert set(drawn["Recommended"].y) == {1.0}
    assert "the best of 4 whole trials has 0.9700 of naive's RMSE, Recommended 1.0000" in describe(figure)


def test_a_trial_that_went_wrong_does_not_squeeze_the_others_together():
    figure = search_chart(trials([1.0, 0.99, 0.995, 60.0]), 1.0)
    high = figure.layout.yaxis.range[1]
    assert high < 1.1
    assert max(traces(figure)["Trial"].y) < high  # drawn at the top
    assert traces(figure)["Trial"].customdata[3][0] == 60.0  # and said in full


def test_trials_that_were_given_up_are_marked_and_have_no_value():
    figure = search_chart(trials([1.0, np.nan], ["finished", "pruned"]), 1.0)
    assert list(traces(figure)["Given up"].x) == [2]
    assert list(traces(figure)["Trial"].x) == [1]


@pytest.mark.parametrize("dark", [False, True])
def test_a_search_without_trials_has_its_chart_already(dark):
    figure = search_chart(trials([]), planned=10, dark=dark)
    assert figure.layout.height == search_chart(trials([1.0, 2.0]), 1.0).layout.height
    assert "no trial has ended yet" in describe(figure)


def test_words_and_logarithms_stand_at_the_marks_of_an_axis():
    axes = [{"label": "Cell", "values": [0, 1, 0], "ticks": {0: "LSTM", 1: "GRU"}},
            {"label": "Learning rate", "values": [-3.0, -2.4, -2.0], "ticks": {-3.0: "0.001", -2.0: "0.01"}},
            {"label": "Dropout", "values": [0.1, 0.2, 0.3]}]
    (lines,) = parallel_chart(axes, [0.9, 1.0, 50.0]).data
    assert [dimension.label for dimension in lines.dimensions] == ["Cell", "Learning rate", "Dropout", "Value"]
    assert lines.dimensions[0].ticktext == ("LSTM", "GRU")
    assert lines.dimensions[1].range[0] < -3 < -2 < lines.dimensions[1].range[1]
    assert max(lines.line.color) < 50  # a bad trial does not take all the colours


def test_importance_names_what_mattered_most():
    figure = importance_chart({"Units": 0.7, "Window": 0.3})
    assert list(figure.data[0].y) == ["Window", "Units"]  # the largest on top
    assert "Units mattered most, with 70" in describe(figure)
