"""Keeps a click or a change that another one follows closely while the app is busy drawing.

Streamlit loses it in two places, both found by recording what a browser had sent when a click had no effect:

- A request that has been taken is dropped, its clicks and changes with it, if another arrives before its callbacks run, since
  Streamlit looks for newer requests just before them. Where a table answers each edit with a request of its own, two of
  nineteen clicks right after an edit were lost.
- Requests that wait together are merged, and of the older one only clicks are kept, since the newer one usually has the value
  of every widget. A click on another page's link has none: a slider moved just before it went back in two of twelve tries.
"""

from __future__ import annotations

from functools import wraps

from streamlit.runtime.scriptrunner_utils import script_requests
from streamlit.runtime.state.safe_session_state import SafeSessionState

__all__ = ["keep_clicks"]

MERGE, BEGIN = "_coalesce_widget_states", "on_script_will_rerun"


def keep_clicks():
    """Mends both, for all sessions. May be called often."""
    _wrap(script_requests, MERGE, _keeping_both)
    _wrap(SafeSessionState, BEGIN, _without_a_look)


def _wrap(owner, name, wrapper):
    if not hasattr(getattr(owner, name), "__wrapped__"):
        setattr(owner, name, wrapper(getattr(owner, name)))


def _keeping_both(merge):
    @wraps(merge)
    def merged(older, newer):
        """The newer request's values of widgets, and the older one's of those that it does not mention."""
        both = merge(older, newer)
        if older and both:
            mentioned = {state.id for state in both.widgets}
            both.widgets.extend(state for state in older.widgets if state.id not in mentioned)
        return both

    return merged


def _without_a_look(begin):
    @wraps(begin)
    def begun(session_state, *args, **kwargs):
        """Takes the values and runs the callbacks. Streamlit looks for newer requests right after it."""
        with session_state._lock:
            session_state._state.on_script_will_rerun(*args, **kwargs)

    return begun
