"""What is worked out from a network's weights, kept in memory: a run's files never change."""

from __future__ import annotations

import streamlit as st

from forecasting.inside import (
    attributions,
    exciting_windows,
    gradients_by_lag,
    memory,
    order_units,
    profile,
    replay,
    units,
)
from forecasting.inside.window import origins_of, windows_at
from pages.components.inside.figure import network_data

__all__ = ["load_attributions", "load_exciting", "load_gradients", "load_memory", "load_network", "load_profile",
           "load_replay", "load_units"]

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
def load_gradients(subject_id: str, _result):
    return gradients_by_lag(_result)


@st.cache_resource(show_spinner=False, max_entries=32)
def load_units(subject_id: str, _result):
    return units(_result)


@st.cache_resource(show_spinner=False, max_entries=64)
def load_exciting(subject_id: str, _result, layer: int, unit: int):
    return exciting_windows(_result, layer=layer, unit=unit)


@st.cache_resource(show_spinner=False, max_entries=64)
def load_attributions(subject_id: str, _result, day: str, baseline: str, _date):
    """day: what tells `_date` apart from others"""
    return attributions(_result, _date, baseline=baseline)


@st.cache_resource(show_spinner=False, max_entries=32)
def load_profile(subject_id: str, _result, part: str, baseline: str):
    return profile(_result, part, baseline=baseline)


@st.cache_resource(show_spinner=False, max_entries=32)
def load_replay(subject_id: str, _result, day: str, _date):
    """day: what tells `_date` apart from others"""
    return replay(_result, _date)
