"""Whose runs these are: an id that stays the same across reloads and tabs of one browser.

In the queue, owners take turns, and a new owner goes first. With an id per session, every reload would make a new owner, so
that reloading the page would jump the queue. With this one, whoever has a single run waits for at most one run of each other
owner, however many those have queued and however often they reload. Without a login Streamlit has no identity for a
browser, but it gives each one an XSRF cookie whose token does not change.
"""

from __future__ import annotations

import hashlib
import re
import uuid

import streamlit as st

__all__ = ["browser_id"]

XSRF_COOKIE = "_streamlit_xsrf"
# version|mask|masked token|time, in hex. The token is masked anew in each response.
_XSRF = re.compile(r"2\|((?:[0-9a-f]{2})+)\|((?:[0-9a-f]{2})+)\|\d+")


def browser_id() -> str:
    """The same for all sessions of one browser; a new one for each session where there is no such cookie."""
    match = _XSRF.fullmatch(str(st.context.cookies.get(XSRF_COOKIE)))
    if match is None:
        return uuid.uuid4().hex
    mask, masked = map(bytes.fromhex, match.groups())
    token = bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(masked))
    return hashlib.sha256(token).hexdigest()[:32]  # a hash, since the token itself must not end up in the store
