"""A training. Its result is a `TrainingResult` and its scores."""

from __future__ import annotations

from pathlib import Path

from forecasting.runs.kinds.kind import Computed, RunKind

__all__ = ["TRAIN", "read_training"]


def _train(ledger, run, reporter, should_stop) -> Computed:
    from forecasting.result import train
    from forecasting.runs.backups import RunBackup

    history, backup = ledger.history(run.id), RunBackup(ledger, run)
    if run.attempt > 1:
        before = backup.load()
        reporter.go_on(before.rows if before else ())
    result = train(history, run.config, on_epoch=reporter.epoch, on_phase=reporter.phase, should_stop=should_stop,
                   backup=backup, progress=False)
    seconds = result.curve["seconds"].iloc[1 if len(result.curve) > 1 else 0 :]  # the first epoch compiles too
    return Computed("stopped" if result.stopped or should_stop() else "finished", result.metrics, result.save,
                    seconds.median() if len(seconds) else None)


def read_training(folder: Path):
    """The `TrainingResult`; imports no TensorFlow."""
    from forecasting.result import load_run

    return load_run(folder)


TRAIN = RunKind(_train, read_training, is_training=True, keeps_backup=True)
