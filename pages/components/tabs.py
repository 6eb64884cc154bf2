"""Tabs of which only the selected one is computed."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

__all__ = ["chosen_tab"]


def chosen_tab(key: str, tabs: dict[str, Callable]) -> Callable:
    """The function of the selected tab; `st.tabs` would run them all."""
    names = list(tabs)
    name = st.segmented_control("Look at", names, default=names[0], key=key, required=True, label_visibility="collapsed")
    return tabs[name]
