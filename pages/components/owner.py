"""Whose runs these are: an id that stays the same across reloads and tabs of one browser.

The queue takes runs by turns, one owner after the other. With an id for each session, a reload would make a new owner, who
goes first: somebody with N runs queued could jump ahead of everybody by reloading the page. Streamlit has no identity of a
browser without a login, but it gives each browser an XSRF cookie whose token does not change.
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
