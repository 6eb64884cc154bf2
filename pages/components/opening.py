"""Prices asked of a source, read again in another way, or corrected; and what is kept of an uploaded file meanwhile."""

from __future__ import annotations

from dataclasses import replace

from forecasting import ForecastingError, NeedsChoice, PriceHistory, StoreUnavailable
from forecasting.data.sources import SOURCES, Upload, address_of, origin_of
from forecasting.data.uploads import find_note, keep_note, keep_upload, load_upload, note_for
from pages.components.owner import has_login
from pages.components.state import AppState, Request
from pages.components.store import keep_history
from pages.components.track import note_prices

__all__ = ["ask_again_about", "correct_history", "name_of", "open_source", "read_again", "request_of", "take_history"]


def open_source(state: AppState, source: str, answers: dict):
    """Asks a source for prices and stores the outcome in the state. answers: to its fields"""
    earlier = state.requests.get(source)
    request = state.requests[source] = Request(source, answers, found=earlier.found if earlier else {})
    state.waiting_for = source
    read_again(state, request, {})


def read_again(state: AppState, request: Request, choices: dict):
    """Opens the source with these choices. Unless that gives prices, those that are there stay."""
    request.choices, request.wanted, request.reading = choices, None, None
    request.question, request.note_id, request.error = None, None, ""
    try:
        opened = SOURCES[request.source].open({**_answers(request), **choices})
    except NeedsChoice as question:
        request.question, request.reading = question, question.reading
        state.requests[request.source], state.waiting_for = request, request.source
        _keep(state, request)
    except ForecastingError as error:
        request.error, request.reading = str(error), getattr(error, "reading", None)
    else:
        if isinstance(opened, PriceHistory):
            take_history(state, request, replace(opened, origin=request.source))
        else:
            request.job = opened


def _answers(request: Request) -> dict:
    if request.answers is None:
        try:
            _, request.answers = load_upload(request.upload_id or "")
        except ForecastingError:
            request.upload_id = None
            raise
    return request.answers


def take_history(state: AppState, request: Request, history: PriceHistory):
    """Makes the prices of a source the current ones, and saves those that have no short name for the address in the store."""
    request.key, request.taken = history.key, dict(request.choices)
    state.given = request
    note_prices(state, history)
    if address_of(history) == history.key:
        keep_history(state, history)
    else:
        state.use_history(history)
    _keep(state, request)


def correct_history(state: AppState, history: PriceHistory):
    """Replaces the current prices with a corrected copy."""
    request = request_of(state)
    keep_history(state, history)
    if request is not None:
        request.key = history.key
        _keep(state, request)


def request_of(state: AppState) -> Request | None:
    """The request that gave the current prices; after a reload as far as it was kept on disk."""
    history = state.history
    if state.request is None and history.reading is not None and (kept := find_note(_note_of(history.key, state))):
        upload_id, choices = kept
        state.given = Request(origin_of(history), None, choices, key=history.key, taken=dict(choices), upload_id=upload_id)
    return state.request


def ask_again_about(state: AppState, note_id: str):
    """Asks a question again that was open when the page was reloaded. note_id: of the upload that it is about"""
    kept = find_note(note_id)
    if kept is None:
        raise ForecastingError("The file that this address asks about is not kept any more. Upload it again.")
    upload_id, choices = kept
    source, answers = load_upload(upload_id)
    state.requests[source], state.waiting_for = Request(source, answers, upload_id=upload_id), source
    read_again(state, state.requests[source], choices)


def name_of(request: Request) -> str:
    """What to call a request: the name of its file, or its source's."""
    upload = _upload(request)
    return upload.name if upload else SOURCES[request.source].label


def _upload(request: Request) -> Upload | None:
    return next((answer for answer in (request.answers or {}).values() if isinstance(answer, Upload)), None)


def _note_of(key: str, state: AppState) -> str:
    # Where people log in, a link to prices must not open the file that they were read from to others.
    return note_for(key, state.owner if has_login() else "")


def _keep(state: AppState, request: Request):
    """Keeps the file of a request and how it is read, so that the page's address brings them back."""
    upload = _upload(request)
    if upload is None and request.upload_id is None:
        return
    try:
        if upload is not None:
            request.upload_id = keep_upload(request.source, upload)
        if request.question is not None:
            request.note_id = keep_note(request.upload_id, request.choices)
        else:
            keep_note(request.upload_id, request.taken, _note_of(request.key, state))
    except StoreUnavailable as error:
        state.failures.append(f"{error} " + (
            "Until its question is answered, a reload of the page loses it." if request.question is not None else
            "After a reload of the page it has to be uploaded again before it can be read in another way."))
