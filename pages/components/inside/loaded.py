"""What is worked out from a network's weights, kept in memory: a run's files never change."""

from __future__ import annotations

import streamlit as st

from forecasting.inside import memory, order_units, profile, units
from forecasting.inside.window import origins_of, windows_at
from pages.components.inside.figure import network_data

__all__ = ["load_memory", "load_network", "load_profile", "load_units"]

ORDERED = 8  # windows whose hidden states say which units are alike


@st.cache_resource(show_spinner=False, max_entries=32)
def load_network(subject_id: str, _result) -> dict:
    """What the browser computes with."""
    states = _result.network.forward(windows_at(_result, origins_of(_result, "validation", ORDERED))).traces
    return network_data(_result, [order_units(trace["hidden"].reshape(-1, trace["hidden"].shape[2])) for trace in states])


@st.cache_resource(show_spinner=False, max_entries=32)
def load_memory(subject_id: str, _result):
    return memory(_result)


@st.cache_resource(show_spinner=False, max_entries=32)
def load_units(subject_id: str, _result):
    return units(_result)


@st.cache_resource(show_spinner=False, max_entries=32)
def load_profile(subject_id: str, _result, part: str, baseline: str):
    return profile(_result, part, baseline=baseline)
