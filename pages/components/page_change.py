"""Keeps a change that is made just before another page is opened.

A click on a page's link sends no values of the widgets on the page that is left. If Streamlit finds that click and a change
before it waiting at once, because it was busy drawing, it merges the two and drops the change: in two of twelve tries, a
slider moved just before the click was back where it had been (`tests/browser/test_settings_kept.py`).
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.scriptrunner_utils import script_requests

__all__ = ["keep_changes"]

MERGE = "_coalesce_widget_states"


def keep_changes():
    """Makes Streamlit keep the older request's values of widgets that the newer one does not mention. Call it once or often."""
    merge = getattr(script_requests, MERGE)
    if not hasattr(merge, "__wrapped__"):
        setattr(script_requests, MERGE, _keeping(merge))


def _keeping(merge):
    @wraps(merge)
    def kept(older, newer):
        merged = merge(older, newer)
        if older and merged:
            mentioned = {state.id for state in merged.widgets}
            merged.widgets.extend(state for state in older.widgets if state.id not in mentioned)
        return merged

    return kept
