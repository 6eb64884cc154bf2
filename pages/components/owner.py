"""Whose runs these are: the person who has logged in, or else an id that stays the same across reloads and tabs of one browser.

There is a login where `.streamlit/secrets.toml` has a section `[auth]`; everyone then sees their own runs only.

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

from pages.components.text import plain

__all__ = ["has_login", "owner_id", "require_login"]

XSRF_COOKIE = "_streamlit_xsrf"
# version|mask|masked token|time, in hex. The token is masked anew in each response.
_XSRF = re.compile(r"2\|((?:[0-9a-f]{2})+)\|((?:[0-9a-f]{2})+)\|\d+")


def has_login() -> bool:
    """Whether people have to log in."""
    return st.secrets.load_if_toml_exists() and "auth" in st.secrets


def require_login():
    """Ends the drawing of a page with a button to log in, unless that was done or there is no login."""
    if not has_login():
        return
    if not st.user.is_logged_in:
        st.button("Log in", type="primary", icon=":material/login:", on_click=st.login)
        st.stop()
    with st.sidebar:
        name = plain(str(st.user.get("email") or st.user.get("name") or "yourself"), limit=100)
        st.button("Log out", type="tertiary", icon=":material/logout:", on_click=st.logout,
                  help=f"You are logged in as {name}.")


def owner_id() -> str:
    """Names the person in the store: 32 hex digits, from which nobody can tell who it is."""
    if has_login() and st.user.is_logged_in:
        who = st.user.get("sub") or st.user.get("email")  # a provider names people by `sub`, which never changes
        return hashlib.sha256(f"login {st.user.get('iss', '')} {who}".encode()).hexdigest()[:32]
    return _browser_id()


def _browser_id() -> str:
    """The same for all sessions of one browser; a new one for each session where there is no such cookie."""
    match = _XSRF.fullmatch(str(st.context.cookies.get(XSRF_COOKIE)))
    if match is None:
        return uuid.uuid4().hex
    mask, masked = map(bytes.fromhex, match.groups())
    token = bytes(byte ^ mask[i % len(mask)] for i, byte in enumerate(masked))
    return hashlib.sha256(token).hexdigest()[:32]  # a hash, since the token itself must not end up in the store
