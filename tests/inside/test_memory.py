"""Half-lives from the gates, and shocks against windows that were changed by hand."""

import numpy as np
import pytest

from forecasting.inside import gates, half_life, memory
from forecasting.inside.window import windows_at
from tests.inside.networks import make, prices, with_weights


@pytest.mark.parametrize(("cell", "gate", "carrier"), [("lstm", "forget", "cell"), ("tutorial_lstm", "forget", "cell"),
                                                       ("gru", "update", "hidden")])
def test_what_a_step_keeps_is_the_gate_that_stands_before_the_state(cell, gate, carrier):
    result, _ = make(cell, (5, 4))
    found = memory(result, most=3)
    assert found.carrier == carrier
    assert (found.why, found.windows) == ("", 3)
    origins = np.linspace(*(prices().dates.get_loc(day) - 1 for day in validation(result)[[0, -1]]), 3).astype(int)
    for layer, kept in enumerate(found.kept):
        values = np.concatenate([gates(result, prices().dates[row + 1])[layer][gate] for row in origins])
        np.testing.assert_allclose(kept, np.exp(np.log(values).mean(axis=0)), rtol=1e-4)
        np.testing.assert_allclose(kept ** found.half_lives[layer], 0.5)


def validation(result):
    return result.predictions.index[result.predictions["split"] == "validation"]


def test_a_cell_without_a_gate_that_keeps_has_no_half_life_and_says_so():
    found = memory(make("rnn")[0])
    assert (found.carrier, found.kept, found.half_lives) == (None, None, None)
    assert found.why.startswith("A Simple RNN passes its state on through its recurrent weights alone")


def test_half_lives_reach_from_nothing_to_for_ever():
    np.testing.assert_allclose(half_life([0.5, 0.5 ** 0.1, 1.0, 0.25]), [1, 10, np.inf, 0.5])
    assert half_life(0.0) < 0.01


def test_a_shock_is_one_deviation_on_one_day_and_is_felt_in_output_and_states():
    result, _ = make("gru", (5, 4), reach=12, features=("Volume", "Close"))
    found = memory(result, "test", most=1)
    assert (found.channel, found.windows) == ("Close", 1)
    assert found.deviation == pytest.approx(result.encoded.inputs[: result.split.train_end, 1].std())
    x = windows_at(result, [result.split.validation_end - 1])
    calm = result.network.forward(x)
    assert found.response.shape == (12,)
    for lag in (0, 5, 11):
        hit = x.copy()
        hit[0, 11 - lag, 1] += found.deviation
        assert found.response[lag] == pytest.approx(abs(result.network.forward(hit).output - calm.output)[0, 0], rel=1e-3)
    hit = x.copy()
    hit[0, 3, 1] += found.deviation  # the first step that the layers read
    for states, trace, before in zip(found.states, result.network.forward(hit).traces, calm.traces, strict=True):
        moved = np.sqrt(((trace["hidden"] - before["hidden"]) ** 2).mean(axis=(0, 2)))
        np.testing.assert_allclose(states, moved, rtol=1e-3, atol=1e-6)


def test_the_effective_memory_holds_all_but_a_twentieth_of_what_is_felt():
    found = memory(make()[0])
    felt = np.cumsum(found.response) / found.response.sum()
    assert felt[found.steps - 1] >= 0.95
    assert found.steps == 1 or felt[found.steps - 2] < 0.95
    assert found.steps <= found.days <= 1.4 * found.steps + 4  # business days
    result, _ = make()
    still = with_weights(result, [0 * weight for weight in result.network.weights])
    assert (memory(still).steps, memory(still).days) == (0, 0.0)
