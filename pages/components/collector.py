"""Keeps the garbage collector from scanning every imported module on each redraw.

Streamlit runs a full collection after every drawing of a page. With all the objects that MLflow and its dependencies
create on import, that takes a fifth of a second, and a page that follows a run is redrawn again and again. Collections used
0.54 of a core while a run was watched; with these objects frozen, they use 0.05.
"""

from __future__ import annotations

import gc
import sys

import streamlit as st

__all__ = ["freeze_imports"]


def freeze_imports():
    """Moves all objects that exist now out of the collector's reach, once after each hundred new modules or so.

    Modules live until the process ends anyway. Whatever else happens to exist at that moment is still freed when its last
    reference goes; only a reference cycle among it would stay.
    """
    _freeze(len(sys.modules) // 100)


@st.cache_resource(show_spinner=False, max_entries=1)
def _freeze(hundreds_of_modules: int):
    gc.collect()  # or garbage would be frozen too
    gc.freeze()
