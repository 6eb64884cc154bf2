"""What the store knows about one run, and how that is kept in MLflow.

A run is an MLflow run. Its curve is in metrics, everything else in tags, with related values together in one JSON tag:
MLflow takes some 50 microseconds to read each tag, parameter or metric, and a page lists hundreds of runs. The settings and
a few scores are parameters and metrics as well, for people who look at the runs in MLflow's own pages. A leak-lab run has no
scores there, since they would rank it above honest runs, but a tag `invalid` that says why.

MLflow's status gives the state of a run, together with the tag `outcome` for the four ways it can end:

    state         MLflow's status   outcome
    scheduled     SCHEDULED
    running       RUNNING
    finished      FINISHED          finished
    stopped       KILLED            stopped        by a person; with results if its training had begun
    failed        FAILED            failed         `error` says why
    interrupted   KILLED            interrupted    its process is gone: the app ended or the machine died
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from forecasting.errors import ConfigError, RunError
from forecasting.model.config import ForecastConfig
from forecasting.runs.kinds import RUN_KINDS

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["ACTIVE", "CURVE", "NOTE", "PREFIX", "SEPARATOR", "STATUS_OF", "Run", "check_run_id", "defined", "facts", "finite",
           "stop_of", "thinned", "to_run"]

PREFIX = "forecast."
ACTIVE = ("scheduled", "running")
STATUS_OF = {"scheduled": "SCHEDULED", "running": "RUNNING", "finished": "FINISHED", "stopped": "KILLED",
             "failed": "FAILED", "interrupted": "KILLED"}
CURVE = ("loss", "val_loss", "seconds")  # metrics logged at each epoch
NOTE = "mlflow.note.content"  # which MLflow's own pages show as the description of a run
SEPARATOR = ","  # of tags, and of losses
MOST_LOSSES = 40  # enough for a line as wide as a cell of a table
# MLflow stores an infinite metric as the largest float that its databases can hold.
LARGEST = 1.797e308


@dataclass(frozen=True)
class Run:
    """One run as the store knew it when it was read.

    kind: one of `RUN_KINDS`
    state: scheduled, running, finished, stopped, failed or interrupted
    created, started, ended: UTC, None where it has not happened
    seconds: from its start to its end, or to now; None before its start
    phase: what it is doing, in words; rate: epochs a second, None before the first
    queue_position: 1 for the next one to start; None unless it is scheduled and its position was requested
    error: why it failed or what happened to it, a sentence for the user; None if there is nothing to say
    progress: what the run reports while it is computed, its kind's own fields included
    stopping: somebody asked for Stop; pruned: its experiment stopped it, since it fell behind the others
    has_result: whether it left scores, and files that `RunStore.result` can load
    draft: whether it is still being made, and shown to nobody
    fingerprint: of the prices; series: their name; rows: how many; currency: e.g. 'USD', None where it is not known
    parent: the run that it was made from, or the experiment that it is a part of
    experiment: which of `EXPERIMENTS` an experiment is, with its options as `parameters`; None for any other run
    key: its name within the experiment that it is a part of, e.g. 'fold-3'; None for a run on its own
    attempt: how often it was started, resumptions included; one process at a time computes a run, see `RunLedger.claim`
    setback: why it went on in another attempt by itself, a sentence for the user, or None; setbacks: how often that was since
        a person last started it; lost: how many of them because its worker was lost
    stop: '' unless it was asked to stop; then 'asked'; 'predicting' where the predicting after a training is to end too;
        'force' where its process is ended for it; 'owed' where its process was lost meanwhile, so that another one still has
        to make a result of what was learnt; stop_reason: None if a person asked
    scores: {'train' | 'validation' | 'test': {metric: value}}; undefined ones are left out
    history_key: of its prices, for `RunStore.load_history`; files: {name: [bytes, SHA-256]} of its result
    starred, tags, note: what people wrote about it, see `RunStore.annotate`
    losses: its validation loss at up to `MOST_LOSSES` epochs, known once it has ended; () for one of an earlier version
    """

    id: str
    kind: str
    name: str
    state: str
    config: ForecastConfig
    created: datetime
    started: datetime | None = None
    ended: datetime | None = None
    seconds: float | None = None
    phase: str = ""
    epoch: int = 0
    progress: dict = field(default_factory=dict, repr=False)
    epochs: int = 0
    best_epoch: int | None = None
    rate: float | None = None
    queue_position: int | None = None
    error: str | None = None
    stopping: bool = False
    pruned: bool = False
    has_result: bool = False
    draft: bool = False
    owner: str = ""
    parent: str | None = None
    experiment: str | None = None
    key: str | None = None
    parameters: dict = field(default_factory=dict)
    fingerprint: str = ""
    series: str = ""
    currency: str | None = None
    rows: int = 0
    attempt: int = 1
    setback: str | None = None
    setbacks: int = 0
    lost: int = 0
    stop: str = ""
    stop_reason: str | None = None
    scores: dict = field(default_factory=dict)
    history_key: str = ""
    files: dict = field(default_factory=dict, repr=False)
    starred: bool = False
    tags: tuple[str, ...] = ()
    note: str = ""
    losses: tuple[float, ...] = field(default=(), repr=False)

    @property
    def active(self) -> bool:
        return self.state in ACTIVE

    @property
    def resumable(self) -> bool:
        return self.state == "interrupted"


def stop_of(tags: dict) -> str:
    """`Run.stop` by the tags of a run."""
    said = tags.get(PREFIX + "stop", "")
    return "asked" if said == "1" else said


def check_run_id(run_id) -> str:
    """Returns `run_id` if it is valid, else raises RunError: it may come from a URL and is used in paths and queries."""
    if not isinstance(run_id, str) or not re.fullmatch(r"[0-9a-f]{32}", run_id):
        raise RunError(f"A run is named by 32 hex digits. Received: {str(run_id)[:60]!r}. "
                       "Pick the run on the Runs page.")
    return run_id


def finite(value: float) -> float:
    """The inverse of how MLflow stores a metric: its largest float becomes infinity again."""
    return math.copysign(math.inf, value) if abs(value) >= LARGEST else value


def facts(history, config: ForecastConfig, **others) -> str:
    """What a run was made with, as JSON."""
    return json.dumps({"config": config.to_dict(), "fingerprint": history.fingerprint, "series": history.name[:200],
                       "currency": history.currency and history.currency[:20], "rows": len(history), **others})


def defined(scores: dict) -> dict:
    """{'test': {'rmse': 1.0}}, without what is undefined."""
    kept = {part: {name: float(value) for name, value in (values or {}).items()
                   if value is not None and math.isfinite(value)} for part, values in scores.items()}
    return {part: values for part, values in kept.items() if values}


def thinned(losses: pd.Series) -> str:
    """A curve, {epoch: value}, as kept with an ended run: its first and last value and evenly spaced ones between them."""
    values = [value for value in losses if math.isfinite(value)]
    step = max(1.0, (len(values) - 1) / (MOST_LOSSES - 1))
    kept = [values[round(place * step)] for place in range(min(len(values), MOST_LOSSES))]
    return SEPARATOR.join(f"{value:.4g}" for value in kept)


def to_run(found, queue_position: int | None = None) -> Run:
    """The `Run` in an MLflow run. Raises RunError if it is not one of ours or is damaged."""
    info, data = found.info, found.data
    tags = {key.removeprefix(PREFIX): value for key, value in data.tags.items() if key.startswith(PREFIX)}
    if tags.get("kind") not in RUN_KINDS:
        raise RunError(f"Run {info.run_id} was not made by this app. Pick another one on the Runs page.")
    try:
        made = json.loads(tags["facts"])
        config = ForecastConfig.from_dict(made["config"])
        progress = json.loads(tags.get("progress") or "{}")
        result = json.loads(tags.get("result") or "{}")
        started = float(tags["started"]) if tags.get("started") else None
        attempt = int(tags.get("attempt", 1))
        setback = json.loads(tags.get("setback") or "{}")
        losses = tuple(map(float, filter(None, tags.get("losses", "").split(SEPARATOR))))
    except (ValueError, KeyError, TypeError, ConfigError) as error:
        raise RunError(f"The record of run {info.run_id} is damaged ({error}). Train it again.") from error
    state = _state(info.status, tags.get("outcome"))
    if state == "scheduled":
        started = None  # it was an earlier attempt's
    ended = info.end_time / 1000 if info.end_time and state not in ACTIVE else None
    until = ended if ended is not None else datetime.now(UTC).timestamp()
    return Run(
        id=info.run_id, kind=tags["kind"], name=info.run_name or "", state=state, config=config,
        created=_moment(info.start_time / 1000), started=_time(started), ended=_time(ended),
        seconds=max(0.0, until - started) if started is not None else None,
        phase=progress.get("phase", ""), epoch=progress.get("epoch", 0), epochs=progress.get("epochs", config.epochs),
        best_epoch=progress.get("best_epoch"), rate=progress.get("rate"), queue_position=queue_position,
        error=tags.get("error") or None, stopping=bool(tags.get("stop")) and state in ACTIVE,
        pruned=state == "stopped" and bool(tags.get("stop_reason")), progress=progress,
        has_result=bool(result), draft=tags.get("draft") == "1" and info.status == "RUNNING",
        owner=tags.get("owner", ""), parent=tags.get("parent") or None,
        experiment=tags.get("experiment") or None,
        key=tags.get("key") or tags.get("group") or None,  # earlier versions called the folds of one backtest a group
        parameters=made.get("parameters") or {},
        fingerprint=made.get("fingerprint", ""), series=made.get("series", ""),
        currency=made.get("currency"), rows=made.get("rows", 0),
        attempt=attempt, setback=setback.get("why"), setbacks=setback.get("times", 0), lost=setback.get("lost", 0),
        stop=stop_of({PREFIX + "stop": tags.get("stop", "")}),
        stop_reason=tags.get("stop_reason") or None, scores=result.get("scores", {}), history_key=made.get("history_key", ""),
        files=result.get("files", {}),
        starred=tags.get("starred") == "1", tags=tuple(filter(None, tags.get("tags", "").split(SEPARATOR))),
        note=data.tags.get(NOTE, ""), losses=losses)


def _state(status: str, outcome: str | None) -> str:
    if status == "SCHEDULED":
        return "scheduled"
    if status == "RUNNING":
        return "running"
    if outcome in STATUS_OF and outcome not in ACTIVE:
        return outcome
    return {"FINISHED": "finished", "FAILED": "failed"}.get(status, "stopped")


def _time(seconds: float | None) -> datetime | None:
    return None if seconds is None else _moment(seconds)


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
