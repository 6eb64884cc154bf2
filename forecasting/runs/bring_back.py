"""Opens the zip file that `take_home.run_zip` wrote, as a run without a network.

The file may come from anyone. Only its CSV and JSON files are read, in memory, with limits on everything; nothing is unpacked
to disk, and the network in it is never touched. Prices, settings and predictions are checked; what follows from them, such
as the split and the scores, is computed here and not taken from the file.
"""

from __future__ import annotations

import hashlib
import io
import json
import re
import shutil
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from csv import QUOTE_NONE
from dataclasses import replace

import numpy as np
import pandas as pd

from forecasting.data.calendars import future_dates, missing_sessions
from forecasting.data.files.date_forms import FIRST_YEAR, LAST_YEAR
from forecasting.data.frequency import Frequency
from forecasting.data.history import COLUMNS, PriceHistory
from forecasting.data.known import MOST_KNOWN, check_known
from forecasting.errors import ConfigError, DataError, ForecastingError, RunError
from forecasting.model.config import RANGES, ForecastConfig
from forecasting.model.encoding import check_history
from forecasting.model.skip import CANDIDATES, CYCLES, MAX_REACH, MOST_MEMBERS, READ_SEASONS, Choice
from forecasting.model.split import split
from forecasting.result import TrainingResult, rebuild
from forecasting.runs.files import scratch
from forecasting.runs.kinds.opened import DIGEST
from forecasting.runs.ledger import RunLedger
from forecasting.runs.records import Run
from forecasting.runs.store import PATIENCE
from forecasting.runs.take_home import (
    CURVE,
    CURVE_FILE,
    FORMAT,
    KNOWN_FILE,
    PREDICTIONS,
    PREDICTIONS_FILE,
    PRICES_FILE,
    SETTINGS_FILE,
    STEPS_FILE,
    known_names,
    step_names,
)

__all__ = ["MAX_BYTES", "holds_run", "keep_zip", "open_zip"]

READ = (SETTINGS_FILE, PRICES_FILE, PREDICTIONS_FILE, STEPS_FILE, CURVE_FILE)
MAX_BYTES = 200 * 2**20        # of the zip file, in which the network may be large
MAX_MEMBER_BYTES = 64 * 2**20  # of each file that is read
MAX_SETTINGS_BYTES = 2**20
MAX_MEMBERS = 100
MAX_DIRECTORY_BYTES = 64 * 2**10
MAX_RATIO = 200                # unpacked to packed
MAX_ROWS = 500_000
MAX_PREDICTIONS = 1_000_000    # rows of steps.csv times the horizon, since their intervals take time to compute
MAX_MEMBERS = 1000
MAX_TEXT, MAX_TEXTS = 1000, 200
LARGEST = 1e250                # of any number in a table
# What is missing where predicting was stopped.
UNPREDICTED = [PREDICTIONS[name] for name in ("predicted", "lower_80", "upper_80", "lower_95", "upper_95")]
BOUNDS = ("lower_80", "upper_80", "lower_95", "upper_95")

_AGAIN = "Download the zip of the run again, and drop it here unchanged."
# Control characters, halves of characters, and marks that reverse the direction of writing.
_HIDDEN = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")


def holds_run(content: bytes) -> bool:
    """Whether `content` looks like a run's zip file, and not like a zip file with a table of prices."""
    try:
        with _open(content) as archive:
            return {SETTINGS_FILE, PREDICTIONS_FILE} <= {name.rpartition("/")[2] for name in archive.namelist()}
    except RunError:
        return False


def open_zip(content: bytes) -> TrainingResult:
    """The run in a zip file. Raises a ForecastingError, one sentence on what is wrong, for anything else."""
    files = _read(content)
    said = _json(files[SETTINGS_FILE])
    try:
        config = ForecastConfig.from_dict(_dict(said, "settings"))
    except ConfigError as error:
        raise RunError(f"The settings in this zip are not usable: {error}") from error
    history = _history(files[PRICES_FILE], _dict(said, "prices"))
    history = replace(history, known=_known(files.get(KNOWN_FILE), said.get("known"), history))
    check_history(history, config)
    train_end = split(len(history), config).train_end
    if (len(history) - train_end + 1) * config.horizon > MAX_PREDICTIONS:
        raise RunError(f"This run has more than {MAX_PREDICTIONS} predictions in its validation and test parts, too many to "
                       "open from a file. Its report shows it, and its script trains it again.")
    one_step = _predictions(files[PREDICTIONS_FILE], history, config)
    steps = _steps(files[STEPS_FILE], history, config, train_end, one_step)
    curve = _curve(files[CURVE_FILE], config)
    training = _dict(said, "training")
    members, linear = _members(training.get("members")), _linear(training.get("linear"), config)
    best_epoch = None if members else _whole(training, "best_epoch", 0, len(curve))
    try:
        with np.errstate(over="raise", divide="raise", invalid="raise"):
            return rebuild(history, config, one_step, steps, curve=curve, best_epoch=best_epoch, linear=linear, members=members,
                           stopped=training.get("stopped") is True, seconds=_number(training, "seconds", 0.0, 1e9))
    except FloatingPointError as error:
        raise RunError("The numbers in this zip are too large or too small to compute scores from. Scale the prices by a power "
                       "of ten, and train again.") from error


def keep_zip(content: bytes, owner: str = "", opened: Sequence[Run] = ()) -> str:
    """Opens a zip file, keeps its run in the store, and returns the run's id.

    opened: earlier runs of this kind; if one of them is from the same file, its id is returned instead
    Raises as `open_zip`, and StoreUnavailable.
    """
    digest = hashlib.sha256(content).hexdigest()
    for run in opened:
        if run.has_result and run.parameters.get(DIGEST) == digest:
            return run.id
    result, ledger = open_zip(content), RunLedger(PATIENCE)
    run_id = ledger.create(result.history, result.config, kind="opened", owner=owner, parameters={DIGEST: digest}, queued=False)
    folder = scratch("opened")
    result.save(folder)
    curve = [(int(row.epoch), {"loss": row.loss, "val_loss": row.val_loss, "seconds": row.seconds})
             for row in result.curve.itertuples()]
    ledger.log_progress(run_id, curve, {"epoch": len(curve), "epochs": result.config.epochs, "best_epoch": result.best_epoch})
    ledger.put_result(run_id, folder, result.metrics)
    shutil.rmtree(folder, ignore_errors=True)  # still there on a server
    ledger.end(run_id, "stopped" if result.stopped else "finished")
    return run_id


# The archive


def _read(content: bytes) -> dict[str, bytes]:
    """{name: bytes} of the files in `READ`."""
    with _open(content) as archive:
        # Someone may have packed the folder anew, with its name before each file.
        tops = [name.removesuffix(SETTINGS_FILE) for name in archive.namelist() if name.rpartition("/")[2] == SETTINGS_FILE]
        if not tops:
            raise RunError(f"This zip holds no run: {SETTINGS_FILE} is missing. {_AGAIN}")
        top = min(tops, key=len)
        known = [KNOWN_FILE] if f"{top}{KNOWN_FILE}" in archive.namelist() else []
        return {name: _member(archive, f"{top}{name}", name) for name in (*READ, *known)}


def _open(content: bytes) -> zipfile.ZipFile:
    """The archive, if its directory is short: Python's reader takes a kilobyte of memory for each entry of it."""
    if len(content) > MAX_BYTES:
        raise RunError(f"This zip is larger than {MAX_BYTES // 2**20} MB. {_AGAIN}")
    at = len(content) - 22
    if content[:4] != b"PK\x03\x04" or at < 0:
        raise RunError("This is no zip file of a run. Choose one that was downloaded from the Train page.")
    # Where zipfile looks for it, too: at the very end, or before a comment.
    if content[at : at + 4] != b"PK\x05\x06" or content[-2:] != b"\0\0":
        at = content.rfind(b"PK\x05\x06", max(0, len(content) - 2**16 - 22))
    if at < 0 or at + 22 > len(content):
        raise RunError(f"This zip is damaged: its end is missing. {_AGAIN}")
    entries, size = struct.unpack("<HL", content[at + 10 : at + 16])
    if content[max(0, at - 20) : at][:4] == b"PK\x06\x07" or entries > MAX_MEMBERS or size > MAX_DIRECTORY_BYTES:
        raise RunError(f"This zip holds more than the files of a run. {_AGAIN}")
    try:
        return zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError, struct.error) as error:
        raise RunError(f"This zip is damaged. {_AGAIN}") from error


def _member(archive: zipfile.ZipFile, path: str, name: str) -> bytes:
    """The bytes of one file, no more than it may have."""
    found = [info for info in archive.infolist() if info.filename == path]
    if len(found) != 1:
        raise RunError(f"{name} is {'there more than once' if found else 'missing'} in this zip. {_AGAIN}")
    (info,) = found
    most = MAX_SETTINGS_BYTES if name == SETTINGS_FILE else MAX_MEMBER_BYTES
    if info.file_size > most or info.file_size > MAX_RATIO * max(info.compress_size, 100):
        raise RunError(f"{name} in this zip unpacks to more than it should. {_AGAIN}")
    plain = info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) and not info.flag_bits & 0x1
    if not plain or stat.S_ISLNK(info.external_attr >> 16):
        raise RunError(f"{name} in this zip is a link, protected by a password, or packed in an unusual way. {_AGAIN}")
    try:
        with archive.open(info) as file:
            return file.read(most)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, RuntimeError,
            struct.error) as error:
        raise RunError(f"{name} in this zip is damaged. {_AGAIN}") from error


# The settings


def _json(content: bytes) -> dict:
    def refuse(text):
        raise ValueError(f"{text} is no number")

    try:
        said = json.loads(content.decode(), parse_constant=refuse)
    except (ValueError, RecursionError) as error:
        raise RunError(f"{SETTINGS_FILE} in this zip cannot be read. {_AGAIN}") from error
    if not isinstance(said, dict) or said.get("format") != FORMAT:
        raise RunError(f"{SETTINGS_FILE} in this zip is of another version of the app. Open it with that version, or train "
                       "again with its script.")
    return said


def _damaged(name: str) -> RunError:
    return RunError(f"{SETTINGS_FILE} in this zip is damaged: there is no usable '{name}'. {_AGAIN}")


def _dict(said: dict, name: str) -> dict:
    if not isinstance(value := said.get(name), dict):
        raise _damaged(name)
    return value


def _number(said: dict, name: str, low: float, high: float) -> float:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not low <= value <= high:
        raise _damaged(name)
    return float(value)


def _whole(said: dict, name: str, low: int, high: int) -> int:
    if isinstance(said.get(name), float):
        raise _damaged(name)
    return int(_number(said, name, low, high))


def _text(said: dict, name: str) -> str:
    if not isinstance(value := said.get(name), str):
        raise _damaged(name)
    return _clean(value)


def _clean(text: str) -> str:
    return _HIDDEN.sub(" ", text[:MAX_TEXT])


def _texts(said: dict, name: str) -> tuple[str, ...]:
    value = said.get(name)
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise _damaged(name)
    return tuple(map(_clean, value[:MAX_TEXTS]))


def _linear(said, config: ForecastConfig, alone: bool = False) -> Choice | None:
    """The choice for the frozen linear part, which must be one that a training can make. alone: one that is averaged"""
    if said is None:
        return None
    if not isinstance(said, dict) or not isinstance(said.get("prior"), str | None):
        raise _damaged("linear")
    prior, penalty = said.get("prior"), _number(said, "penalty", 0.0, 1.0)
    season, cycles = _whole(said, "season", 0, MAX_REACH), _whole(said, "cycles", 0, max(CYCLES))
    steps = said.get("steps")
    if not isinstance(steps, list) or not all(type(step) is int and 1 <= step <= config.horizon for step in steps):
        raise _damaged("linear")
    if (prior, penalty) not in {*CANDIDATES, (None, 0.0)} or season * cycles > MAX_REACH:
        raise _damaged("linear")
    reads, others = said.get("reads", []), said.get("others", [])  # which older versions did not write
    if (not isinstance(reads, list) or len(reads) > 2 or not all(type(lag) is int and 1 <= lag <= MAX_REACH for lag in reads)
            or not isinstance(others, list) or len(others) > (0 if alone else MOST_MEMBERS - 1)):
        raise _damaged("linear")
    members = [member for one in others if (member := _linear(one, config, alone=True)) is not None]
    if len(members) < len(others) or season * cycles + READ_SEASONS * max(reads, default=0) > MAX_REACH:
        raise _damaged("linear")
    return Choice(prior, penalty, season, cycles, tuple(sorted(set(steps))), tuple(reads), tuple(members))


# The tables


def _table(content: bytes, name: str, dates: str | None, texts=(), numbers=(), gaps=()) -> pd.DataFrame:
    """A CSV file with exactly these columns.

    dates: the one that becomes the index, None without one; gaps: those of `numbers` that may have missing values
    """
    columns = [*([dates] if dates else []), *texts, *numbers]
    wrong = RunError(f"{name} in this zip is not the table that it should be. {_AGAIN}")
    head, _, body = content.partition(b"\n")
    if head != ",".join(columns).encode() or not content.isascii() or b'"' in content or b"\0" in content or b"\r" in content:
        raise wrong
    # Counted before pandas reads it, since a single line of millions of cells would take gigabytes.
    body = body.removesuffix(b"\n")
    read = np.frombuffer(body, dtype=np.uint8)
    ends = np.append(np.flatnonzero(read == ord("\n")), len(read)) if body else np.array([], dtype=np.int64)
    if len(ends) > MAX_ROWS:
        raise RunError(f"{name} in this zip has more than {MAX_ROWS} rows. Train a shorter series.")
    commas = np.searchsorted(np.flatnonzero(read == ord(",")), ends)
    if (np.diff(commas, prepend=0) != len(columns) - 1).any():
        raise wrong
    types = {column: "float64" if column in numbers else "str" for column in columns}
    try:
        table = pd.read_csv(io.BytesIO(content), dtype=types, na_values=[""], keep_default_na=False, quoting=QUOTE_NONE,
                            skip_blank_lines=False)
        if dates:
            table.index = pd.DatetimeIndex(pd.to_datetime(table.pop(dates), format="ISO8601"), name="Date")
    except (ValueError, OverflowError, TypeError) as error:
        raise wrong from error
    values = table[list(numbers)].to_numpy()
    missing = np.isnan(values) & np.isin(numbers, gaps)
    if (len(table) != len(ends) or (dates and (table.index.tz is not None or table.index.hasnans))
            or not (np.isfinite(values) | missing).all() or np.abs(values[~missing]).max(initial=0) > LARGEST):
        raise wrong
    return table


def _history(content: bytes, said: dict) -> PriceHistory:
    """The prices, described as the settings say."""
    head = content.partition(b"\n")[0].split(b",")
    columns = [column for column in COLUMNS if column.encode() in head]
    frame = _table(content, PRICES_FILE, "Date", numbers=columns, gaps=[column for column in columns if column != "Close"])
    if "Close" not in columns or not len(frame) or not all(FIRST_YEAR <= day.year <= LAST_YEAR for day in frame.index[[0, -1]]):
        raise RunError(f"{PRICES_FILE} in this zip holds no prices of the years {FIRST_YEAR} to {LAST_YEAR}. {_AGAIN}")
    currency, calendar = (None if said.get(name) is None else _text(said, name) for name in ("currency", "calendar"))
    try:
        history = PriceHistory(frame, _text(said, "name"), _text(said, "source"),
                               frequency=Frequency.parse(_text(said, "frequency")), notes=_texts(said, "notes"),
                               alternatives=_texts(said, "alternatives"), origin=_text(said, "origin"),
                               currency=currency, calendar=calendar)
        future_dates(history, 1)
        if history.calendar:  # which dates of some spacings do not ask for
            missing_sessions(history.calendar, history.dates[-1], history.dates[-1])
    except (ForecastingError, ValueError, OverflowError) as error:
        raise RunError(f"The prices in this zip are not usable: {str(error)[:300]}") from error
    return history


def _known(content: bytes | None, names, history: PriceHistory) -> pd.DataFrame | None:
    """What is known in advance, called as the settings say."""
    if content is None:
        return None
    if not isinstance(names, list) or not 1 <= len(names) <= MOST_KNOWN or not all(isinstance(one, str) for one in names):
        raise _damaged("known")
    columns = known_names(len(names))
    table = _table(content, KNOWN_FILE, "Date", numbers=columns, gaps=columns)
    try:
        return check_known(table.set_axis(names, axis=1), history.dates)
    except DataError as error:
        raise RunError(f"{KNOWN_FILE} in this zip is not usable: {str(error)[:300]}") from error


def _predictions(content: bytes, history: PriceHistory, config: ForecastConfig) -> pd.DataFrame:
    """predicted and the bounds of its intervals. What else the file says must follow from prices and settings."""
    numbers = [label for name, label in PREDICTIONS.items() if name != "split"]
    table = _table(content, PREDICTIONS_FILE, "Date", (PREDICTIONS["split"],), numbers, UNPREDICTED).rename(
        columns={label: name for name, label in PREDICTIONS.items()})
    rows = slice(config.window, None)
    if (len(table) != len(history) - config.window or (table.index != history.dates[rows]).any()
            or (table["actual"].to_numpy() != history.close[rows]).any()):
        raise RunError(f"{PREDICTIONS_FILE} and {PRICES_FILE} in this zip do not belong together. {_AGAIN}")
    ordered = table[["lower_95", "lower_80", "predicted", "upper_80", "upper_95"]].to_numpy()
    missing = np.isnan(ordered)
    if (missing.any(axis=1) != missing.all(axis=1)).any():
        raise RunError(f"{PREDICTIONS_FILE} in this zip is not the table that it should be. {_AGAIN}")
    if (np.diff(ordered, axis=1) < 0).any():
        raise RunError(f"{PREDICTIONS_FILE} in this zip has intervals that do not hold their predictions. {_AGAIN}")
    return table[["predicted", *BOUNDS]]


def _steps(content: bytes, history: PriceHistory, config: ForecastConfig, train_end: int, one_step) -> np.ndarray:
    """(m, horizon) the predictions of every step from the last row of training on."""
    names = step_names(config.horizon)
    table = _table(content, STEPS_FILE, "Origin", numbers=names, gaps=names)
    rows = table[names].to_numpy()
    dates, first = history.dates[train_end - 1 :], one_step["predicted"].to_numpy()[train_end - config.window :]
    if (len(table) != len(dates) or (table.index != dates).any() or np.isnan(rows[-1]).any()
            or not np.array_equal(rows[:-1, 0], first, equal_nan=True)):
        raise RunError(f"{STEPS_FILE} and {PREDICTIONS_FILE} in this zip do not belong together. {_AGAIN}")
    return rows


def _members(said) -> tuple[int, ...]:
    """The seeds of an average; () for a network of its own, and in files of earlier versions."""
    low, high = RANGES["seed"][:2]
    if said is None:
        return ()
    if not isinstance(said, list) or len(said) > MAX_MEMBERS or not all(
            isinstance(seed, int) and not isinstance(seed, bool) and low <= seed <= high for seed in said):
        raise _damaged("members")
    return tuple(said)


def _curve(content: bytes, config: ForecastConfig) -> pd.DataFrame:
    table = _table(content, CURVE_FILE, None, numbers=CURVE)
    epochs = np.arange(1, len(table) + 1)
    if len(table) > config.epochs or (table["epoch"] != epochs).any() or (table["seconds"] < 0).any():
        raise RunError(f"{CURVE_FILE} in this zip is not the curve of a training. {_AGAIN}")
    return table.astype({"epoch": "int64"})
