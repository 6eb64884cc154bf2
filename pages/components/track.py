"""The track record: forecasts that were kept, how they did, and prices for those that wait."""

from __future__ import annotations

from dataclasses import replace

import streamlit as st

from forecasting import ForecastingError, PriceHistory, StoreUnavailable
from forecasting.words import count_of
from pages.components.owner import has_login
from pages.components.state import AppState, reported
from pages.components.text import plain

__all__ = ["draw_track", "keep_forecast", "note_prices"]

ABOUT = ("Each forecast made from the last row is kept when it is made, and scored once by each price that comes later. A step "
         "counts only if its forecast was made before the day of its price began, UTC. No setting can be tuned on these days.")


def _record(state: AppState):
    from forecasting.runs.track import TrackRecord

    return TrackRecord(state.owner if has_login() else None)


def keep_forecast(state: AppState, run, result, wish, forecast):
    """Keeps a forecast from the last row, once."""
    try:
        _record(state).keep(result.history, forecast, run=run.id, settings=run.config.to_dict(), guarded=wish.guarded,
                            refit=wish.refit, combined=wish.combined, owner=state.owner if has_login() else "")
    except StoreUnavailable as error:
        st.warning(plain(f"This forecast could not be kept for the track record. {error}"), icon=":material/warning:")


def note_prices(state: AppState, history: PriceHistory):
    """Scores the kept forecasts that these prices reach."""
    try:
        _record(state).score(history)
    except StoreUnavailable as error:
        state.failures.append(f"{error} Forecasts that these prices reach are scored when they are opened again.")


def draw_track(state: AppState):
    """How kept forecasts did, with a button that fetches prices for those that wait; nothing where none is kept."""
    from forecasting.runs.export import table_csv
    from forecasting.runs.track import overview, record_table, record_words, to_fetch

    if state.track_jobs and all(job.done for job in state.track_jobs):
        _take(state)
    kept = _record(state).list()
    if not kept:
        return
    st.subheader("Track record", help=ABOUT)
    st.markdown(plain(record_words(kept)))
    wanted = to_fetch(kept)
    count = len({symbol for symbols in wanted.values() for symbol in symbols})
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(f"Fetch {count_of(count, 'ticker')} again" if count else "Fetch tickers again", icon=":material/sync:",
                  disabled=not count or bool(state.track_jobs), on_click=_fetch, args=(state, wanted), key="track_fetch",
                  help="Asks Yahoo for the prices that have come since, and scores the forecasts that waited for them." if count
                  else "No kept forecast of a ticker waits for prices. Those of files are scored when a newer file is opened.")
        st.download_button("Download track record (CSV)", lambda: table_csv(record_table(kept)), "track_record.csv", "text/csv",
                           icon=":material/download:", on_click="ignore", key="track_csv")
        if state.track_jobs:
            st.fragment(_wait, run_every=0.5)(state.track_jobs)
    with st.expander("Every forecast"):
        table = overview(kept)
        st.dataframe(table.assign(Series=table["Series"].map(plain)), hide_index=True)


@reported
def _fetch(state: AppState, wanted: dict):
    from forecasting.data.tickers import MAX_SYMBOLS, start_fetch

    state.track_jobs = [start_fetch(symbols[first : first + MAX_SYMBOLS], interval=interval, adjusted=adjusted, start=start)
                        for (interval, adjusted, start), symbols in wanted.items()
                        for first in range(0, len(symbols), MAX_SYMBOLS)]


def _wait(jobs):
    if all(job.done for job in jobs):
        st.rerun()
    found, asked = (sum(map(len, parts)) for parts in ([job.results for job in jobs], [job.symbols for job in jobs]))
    st.progress(found / asked, text=f"{found} of {asked} fetched")


def _take(state: AppState):
    jobs, state.track_jobs = state.track_jobs, []
    for job in jobs:
        for outcome in job.results.values():
            if isinstance(outcome, ForecastingError):
                st.warning(plain(outcome), icon=":material/warning:")
            else:
                note_prices(state, replace(outcome, origin="ticker"))
