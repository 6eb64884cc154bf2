"""The Dask workers that compute runs: a cluster of our own on this machine, or the one that is named to us."""

from __future__ import annotations

import logging
import os
from concurrent.futures import ThreadPoolExecutor

import psutil

from forecasting.data.paths import home
from forecasting.runs import worker

__all__ = ["Cluster", "usable_cores", "worker_count"]

MEMORY_PER_WORKER = 1.5e9  # bytes; TensorFlow alone takes 0.5e9
MOST_WORKERS = 8
RESTART_AFTER = 20  # runs; a process grows by some 12 MB with each

log = logging.getLogger(__name__)


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count() -> int:
    """One worker a core, fewer where memory is short; `FORECASTING_WORKERS` overrules it."""
    if named := os.environ.get("FORECASTING_WORKERS"):
        return max(1, int(named))
    return max(1, min(usable_cores(), MOST_WORKERS, int(psutil.virtual_memory().total // MEMORY_PER_WORKER)))


class Cluster:
    """A Dask client and, unless `DASK_SCHEDULER_ADDRESS` names a cluster, the cluster that belongs to it."""

    def __init__(self):
        import dask
        from distributed import Client, LocalCluster

        folder = home() / "dask"
        folder.mkdir(mode=0o700, exist_ok=True)
        dask.config.set({
            "temporary-directory": str(folder),
            # A run that kills its worker fails; it is not sent on to kill the others in turn.
            "distributed.scheduler.allowed-failures": 0,
            "distributed.scheduler.work-stealing": False,
            "distributed.scheduler.worker-saturation": 1.0,
            "distributed.worker.profile.enabled": False,
        })
        self._cluster = None
        address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        if not address:
            # Small layers gain nothing from more threads, and a lone training may use what is idle.
            threads = str(min(4, usable_cores()))
            for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
                os.environ.setdefault(name, threads)
            os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
            count = worker_count()
            self._cluster = LocalCluster(
                host="127.0.0.1", n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None,
                security=True, memory_limit=int(0.9 * psutil.virtual_memory().total / count))
        self._client = Client(self._cluster or address, timeout=15, set_as_default=False)
        self._warmed: dict[str, object] = {}  # worker's address: its warm-up
        self._asides = ThreadPoolExecutor(max_workers=2, thread_name_prefix="aside")

    def free(self, submitted: int) -> int:
        """How many runs can start at once; submitted: those that are on their way or at work."""
        threads, busy = self._client.nthreads(), self._client.processing()
        free = sum(max(0, count - len(busy.get(address, ()))) for address, count in threads.items())
        return max(0, min(free, sum(threads.values()) - submitted))

    def submit(self, run_id: str, attempt: int):
        """A future of the run's `Outcome`."""
        return self._client.submit(worker.compute, run_id, attempt, key=f"run-{run_id}-{attempt}", pure=False)

    def stop(self, run_id: str, attempt: int, reason: str | None):
        """Tells the worker that computes the run to stop; returns at once, though the worker may take its time."""
        where = self._where(run_id, attempt)
        if where:
            self._asides.submit(self._tell, worker.stop, run_id, attempt, reason, workers=[where])

    def kill(self, run_id: str, attempt: int):
        """Ends the process that computes the run; another one takes its place."""
        where = self._where(run_id, attempt)
        if where:
            self._asides.submit(self._restart, where)

    def tend(self):
        """Warms processes that are new."""
        addresses = set(self._client.nthreads())
        for address in addresses - self._warmed.keys():
            self._warmed[address] = self._client.submit(
                worker.warm_up, workers=[address], allow_other_workers=False, key=f"warm-{address}", pure=False)
        for address in self._warmed.keys() - addresses:
            del self._warmed[address]

    def close(self):
        """Ends the workers of a cluster of our own, whatever they do."""
        self._asides.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=2)
        if self._cluster is not None:
            self._cluster.close(timeout=3)

    def _where(self, run_id, attempt) -> str | None:
        key = f"run-{run_id}-{attempt}"
        return next((address for address, keys in self._client.processing().items() if key in keys), None)

    def _tell(self, function, *args, workers):
        try:
            self._client.run(function, *args, workers=workers)
        except Exception:
            log.exception("A worker could not be told: %s", args)

    def _restart(self, address):
        try:
            self._client.restart_workers([address], timeout=30, raise_for_error=False)
        except Exception:
            log.exception("Worker %s could not be restarted", address)
