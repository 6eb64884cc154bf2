"""Large networks: a bounded number of windows at a time, and none where it would take too long."""

from dataclasses import replace

import numpy as np
import pytest

from forecasting.errors import TooLarge
from forecasting.inside import attributions, exciting_windows, gates, gradients_by_lag, memory, profile, size, units
from tests.inside.networks import make


def test_few_windows_at_a_time_give_the_same_as_many(monkeypatch):
    result, _ = make("gru", (5, 4), reach=12, features=("Close", "Volume"))
    whole = attributions(result)
    monkeypatch.setattr(size, "MOST_VALUES", 1)
    assert size.affordable(result.network, 100) == 1
    pieces = attributions(result)
    for name in ("network", "linear", "occlusion"):
        np.testing.assert_allclose(getattr(pieces, name), getattr(whole, name), atol=1e-12)
    assert memory(result).windows == gradients_by_lag(result).windows == 1


def test_a_view_that_would_take_too_long_says_so_and_gates_are_still_shown(monkeypatch):
    result, _ = make()
    monkeypatch.setattr(size, "MOST_WORK", 1000)
    for look in (attributions, profile, memory, gradients_by_lag, units, lambda r: exciting_windows(r, layer=0, unit=0)):
        with pytest.raises(TooLarge, match=r"Received: 152 weights and a window of 9"):
            look(result)
    assert len(gates(result)) == 1


def test_a_long_window_is_shocked_at_some_lags_and_the_others_lie_between(monkeypatch):
    result, _ = make(window=60)
    every = memory(result, most=2)
    monkeypatch.setitem(memory.__globals__, "SHOCKED", 40)
    some = memory(replace(result), most=2)
    tested = np.linspace(0, 59, 20).astype(int)
    np.testing.assert_allclose(some.response[tested], every.response[tested], rtol=1e-5)
    np.testing.assert_allclose(some.response[1], np.interp(1, tested[:2], every.response[tested[:2]]), rtol=1e-5)
