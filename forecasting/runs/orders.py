"""Runs that are being made: each completely or not at all, however slow the store is.

Making a run takes several requests, and a store that is locked or down may carry out the first of them long after the person
who asked has been told that it failed. So a thread of its own makes each run and knows what became of every request. Nobody
sees the run before the last one, which puts it into the queue; until then it can be given up, and is taken back.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from forecasting.data.history import PriceHistory
from forecasting.errors import ForecastingError, RunError, StoreUnavailable
from forecasting.model.config import ForecastConfig

__all__ = ["GivenUp", "Order", "Orders", "Wanted"]

INSIST_SECONDS = 600.0  # for which the store is asked again; it is kinder to say that it failed than to start it an hour later
PAUSE = 0.5  # seconds before it is asked again
REMEMBER_SECONDS = 600.0  # for which a run waits for a page to show it
BUSY_SECONDS = 15.0  # that drawing a page may take, while a click on it waits

log = logging.getLogger(__name__)


class GivenUp(RunError):
    """A run was given up while it was being made, so that it does not exist."""


class Order:
    """A run that is being made.

    make: makes it and returns its id; it passes every request through `step` and asks `commit` before the last one
    insist: whether to keep trying while the store is unavailable; otherwise the first failure is the end of it
    """

    def __init__(self, make: Callable[[Order], str], insist: bool = False):
        self.run_id: str | None = None
        self.error: BaseException | None = None
        self._insists_until = time.monotonic() + (INSIST_SECONDS if insist else 0.0)
        self._given_up = self._committed = False
        self._deciding = threading.Lock()
        self._over = threading.Event()
        self._make = make

    def start(self) -> Order:
        """Makes the run on a thread of its own."""
        threading.Thread(target=self.run, daemon=True, name="order").start()
        return self

    def run(self) -> Order:
        """Makes the run on this thread."""
        try:
            self.run_id = self._make(self)
        except BaseException as error:
            if not isinstance(error, ForecastingError):
                log.exception("A run could not be made")
            self.error = error
        finally:
            self._over.set()
        return self

    # For the thread that makes it

    def step(self, function: Callable, *args, **kwargs):
        """function(...), tried again as long as this order insists and the store is unavailable."""
        while True:
            if self._given_up:
                raise GivenUp("This run was given up before it was made.")
            try:
                return function(*args, **kwargs)
            except StoreUnavailable as error:
                if time.monotonic() > self._insists_until:
                    raise
                log.warning("%s A run waits to be made.", error)
                time.sleep(PAUSE)

    def commit(self):
        """Raises GivenUp unless the run may now be put into the queue; from then on it cannot be given up."""
        with self._deciding:
            if self._given_up:
                raise GivenUp("This run was given up before it was made.")
            self._committed = True

    # For the page that asked for it

    def wait(self, seconds: float | None = None) -> bool:
        """Waits for its end, and returns whether that has come."""
        return self._over.wait(seconds)

    @property
    def is_over(self) -> bool:
        return self._over.is_set()

    def give_up(self) -> bool:
        """Sees to it that the run is not made. Returns False if it is too late for that."""
        with self._deciding:
            if not self._committed:
                self._given_up = True
            return self._given_up

    def result(self) -> str:
        """The run's id, once it is over. Raises what went wrong."""
        self._over.wait()
        if self.error is not None:
            raise self.error
        assert self.run_id is not None
        return self.run_id


@dataclass
class Wanted:
    """What a page has ordered. owner: the browser; before: the run that the page showed, or None; seen: whether a page of
    that browser is known to show the run"""

    order: Order
    history: PriceHistory
    config: ForecastConfig
    owner: str
    before: str | None
    at: float
    seen: bool = False


class Orders:
    """What browsers have ordered and no page is known to show.

    A page that is reloaded right after a click is another session, which nobody has told about the run.
    """

    def __init__(self):
        self._wanted: list[Wanted] = []
        self._drawn: dict[str, float] = {}
        self._lock = threading.Lock()

    def add(self, wanted: Wanted):
        with self._lock:
            self._wanted = [one for one in self._wanted if self._counts(one)] + [wanted]

    def note_drawing(self, owner: str) -> bool:
        """Notes that a page of this browser is drawn. Returns whether another one was a short while ago, so that a click there
        may still be on its way."""
        with self._lock:
            now = time.monotonic()
            self._drawn = {one: when for one, when in self._drawn.items() if now - when < BUSY_SECONDS}
            was_drawn = owner in self._drawn
            self._drawn[owner] = now
            return was_drawn

    def unseen(self, owner: str, before: str | None) -> Wanted | None:
        """What a browser ordered last on a page that showed the run `before`."""
        with self._lock:
            return next((one for one in reversed(self._wanted)
                         if self._counts(one) and (one.owner, one.before) == (owner, before)), None)

    @staticmethod
    def _counts(one: Wanted) -> bool:
        return not one.seen and (not one.order.is_over or time.monotonic() - one.at < REMEMBER_SECONDS)
