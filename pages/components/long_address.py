"""A sentence for an address that is too long for the server, in place of a page that stays blank."""

from __future__ import annotations

from functools import cache

__all__ = ["answer_long_addresses"]

LONG = 60_000  # bytes of a request's head, from which on its length is what is wrong with it; the server takes 64 KB
LINGER_SECONDS = 5.0  # for which the rest of such a request is read and thrown away
PAGE = b"""<!doctype html><html lang="en"><meta charset="utf-8"><meta name="color-scheme" content="light dark">
<title>Address too long</title><body style="font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>This address is too long</h1>
<p>The app writes no address of more than a few thousand characters, so this link is damaged. Nothing was opened.
<a href="/">Go on with the sample</a>, or check the link.</p>
"""


@cache
def answer_long_addresses():
    """From the first page on, has the server of this process answer addresses that are too long with a page that says so.

    Uvicorn answers them too, but closes the connection while the browser is still sending, which then throws the answer away.
    Streamlit has no place for this: what reaches it are requests that were understood.
    """
    from uvicorn.protocols.http.h11_impl import H11Protocol

    usual = H11Protocol.send_400_response

    def send_400_response(connection, message: str):
        if len(connection.conn.trailing_data[0]) < LONG:
            usual(connection, message)
            return
        head = (f"HTTP/1.1 414 URI Too Long\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: {len(PAGE)}\r\n"
                "connection: close\r\n\r\n")
        connection.transport.write(head.encode() + PAGE)
        connection.data_received = lambda rest: None
        connection.loop.call_later(LINGER_SECONDS, connection.transport.close)

    H11Protocol.send_400_response = send_400_response
