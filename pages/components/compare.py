"""Several runs beside each other."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from pages.components.state import AppState
from pages.components.text import plain

__all__ = ["draw_comparison"]


def draw_comparison(state: AppState, run_ids: Sequence[str]):
    """The runs by their ids."""
    st.caption(plain(f"Comparing {', '.join(run_ids)}"))
