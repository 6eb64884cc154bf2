"""The Dask workers that compute runs: a local cluster of our own, or the one that DASK_SCHEDULER_ADDRESS names."""

from __future__ import annotations

import asyncio
import logging
import os
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import psutil

from forecasting.errors import ConfigError
from forecasting.paths import home
from forecasting.runs import worker
from forecasting.runs.tracking import place

if TYPE_CHECKING:
    import distributed

__all__ = ["Cluster", "ClusterUnavailable", "usable_cores", "worker_count"]

MEMORY_PER_WORKER = 3e9  # bytes; TensorFlow alone takes 0.5e9
MOST_WORKERS = 8
# A process grows by some 12 MB with each training of a network that it has not trained before, and hardly with a trial of
# one that it has; starting another takes as long as ten trials.
RESTART_AFTER = 20  # runs ...
RESTART_ABOVE = 1_200_000_000  # ... once it holds more bytes than this; TensorFlow alone takes half of that
CONNECT_SECONDS = 15
SILENT_AFTER = 5.0  # seconds without a sign of life before a worker is given nothing more

log = logging.getLogger(__name__)


def usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def worker_count() -> int:
    """One worker per core, fewer where memory is short; `FORECASTING_WORKERS` overrides it."""
    if named := os.environ.get("FORECASTING_WORKERS"):
        if not named.strip().isdecimal():
            raise ConfigError("FORECASTING_WORKERS must be a whole number, e.g. 2. Received: "
                              f"{named[:40]!r}. Correct or unset it, and start the app again.")
        return max(1, int(named))
    return max(1, min(usable_cores(), MOST_WORKERS, int(psutil.virtual_memory().total // MEMORY_PER_WORKER)))


class ClusterUnavailable(OSError):
    """There is no cluster; the text says why and what to do."""


class Cluster:
    """The workers, and which of them computes what.

    They belong to the scheduler that `DASK_SCHEDULER_ADDRESS` names, and then need this project installed and access to the
    store; without it they are local processes that end with this one. Any call may raise OSError if the scheduler is gone.
    Creating a Cluster raises ClusterUnavailable if there is no scheduler at that address.
    """

    def __init__(self):
        import dask

        dask.config.set({
            "logging": {"distributed": "warning"},
            # A run that kills its worker fails at once, instead of being retried and killing the others in turn.
            "distributed.scheduler.allowed-failures": 0,
            "distributed.scheduler.work-stealing": False,
            "distributed.scheduler.worker-saturation": 1.0,
            # Dask's self-monitoring costs each idle process two to five per cent of a core, so it runs less often.
            "distributed.worker.profile.enabled": False,
            "distributed.worker.memory.monitor-interval": "500ms",
            "distributed.admin.tick.interval": "500ms",
            "distributed.admin.system-monitor.interval": "10s",
            "distributed.admin.system-monitor.gil.enabled": False,
            "distributed.scheduler.active-memory-manager.start": False,
            "distributed.deploy.scheduler-info-interval": "60s",
            # By default Dask gives up a local worker for good whose next process takes more than 15 seconds to start, as it
            # does on a busy machine.
            "distributed.deploy.lost-worker-timeout": "1 day",
            # Nothing is served over HTTP.
            "distributed.scheduler.http.routes": [],
            "distributed.worker.http.routes": [],
        })
        from distributed import Client  # reads its settings now

        self._address = os.environ.get("DASK_SCHEDULER_ADDRESS")
        if self._address:
            _knock(self._address)
        self._own = None if self._address else _local_cluster()
        self._client = Client(self._own or self._address, timeout=CONNECT_SECONDS, set_as_default=False)
        self._count = len(self._own.workers) if self._own else 0  # local workers that there should be
        self._missing = 0  # of them
        self._unfit: str | None = None  # why a worker of an external cluster cannot compute runs
        self._warm_ups: dict[str, distributed.Future | None] = {}  # worker's address: its warm-up, None once that is done
        self._computed: dict[str, int] = {}  # worker's address: runs that it has computed
        self._memory: dict[str, int] = {}  # worker's address: bytes that it held after the latest
        self._asides = ThreadPoolExecutor(max_workers=8, thread_name_prefix="aside")
        # On their own, since a worker that does not answer may keep all of the others waiting.
        self._kills = ThreadPoolExecutor(max_workers=8, thread_name_prefix="kill")
        self._seen: dict[str, tuple[float, float]] = {}  # worker's address: its latest sign of life, and when that was noted
        self._condemned: set[str] = set()  # addresses of workers that are being ended

    def free(self, submitted: int) -> int:
        """How many runs can start now. submitted: how many have been submitted and not ended"""
        self._check()
        threads, busy = self._client.nthreads(), self._client.processing()
        free = sum(max(0, count - len(busy.get(address, ()))) for address, count in threads.items() if self._is_ready(address))
        return max(0, min(free, sum(threads.values()) - submitted))

    def size(self) -> int:
        """How many runs can be computed at once."""
        self._check()
        return sum(self._client.nthreads().values())

    def trouble(self) -> str | None:
        """Why no run can be computed, a sentence for the user, or None. Dask replaces local workers, so they cause none."""
        if self._own is not None:
            return None
        if not self._client.nthreads():
            return (f"The Dask cluster at {self._address} (DASK_SCHEDULER_ADDRESS) has no workers. Start one in this "
                    f"app's folder and environment, without which it ends at once: 'python -m dask worker {self._address} "
                    "--nthreads 1'. Or unset DASK_SCHEDULER_ADDRESS and start the app again.")
        return self._unfit and (f"A worker of the Dask cluster at {self._address} (DASK_SCHEDULER_ADDRESS) cannot compute "
                                f"runs: {self._unfit}. Install this app and its requirements where the worker runs, in "
                                "the same versions, and see that it reaches the store of runs.")

    def submit(self, run_id: str, attempt: int):
        """A future of the run's `Outcome`."""
        ready = [address for address in self._client.nthreads() if self._is_ready(address)]
        return self._client.submit(worker.compute, run_id, attempt, place(), key=_key(run_id, attempt), pure=False,
                                   workers=ready or None, allow_other_workers=bool(ready))

    def listen(self) -> dict[tuple[str, int], float]:
        """{(run id, attempt) of a run that a worker has: what changes with each sign of life of that worker}."""
        self._check()
        now, workers = time.monotonic(), self._client.scheduler_info()["workers"]
        seen = {address: one["last_seen"] for address, one in workers.items()}
        self._seen = {address: self._seen[address] if self._seen.get(address, (None,))[0] == sign else (sign, now)
                      for address, sign in seen.items()}
        self._condemned &= seen.keys()
        return {_run_of(key): seen[address] for address, keys in self._client.processing().items()
                for key in keys if _run_of(key) and address in seen}

    def stop(self, run_id: str, attempt: int, reason: str | None) -> bool:
        """Tells the worker that computes the run to stop. Returns immediately; False if no worker has it yet."""
        address = self._where(run_id, attempt)
        if address is None:
            return False
        told = self._asides.submit(self._client.run, worker.stop, run_id, attempt, reason, workers=[address])
        told.add_done_callback(_report)
        return True

    def kill(self, run_id: str, attempt: int) -> bool:
        """Ends the process that computes the run, and another one takes its place. Returns as `stop` does."""
        address = self._where(run_id, attempt)
        if address is None:
            return False
        self._condemned.add(address)
        self._kills.submit(self._end, address).add_done_callback(_report)
        return True

    def done(self, outcome: worker.Outcome):
        """Takes note of what a worker has done."""
        self._computed[outcome.worker] = outcome.computed
        self._memory[outcome.worker] = outcome.memory

    def tend(self, is_busy: bool = False):
        """Warms up new worker processes, and restarts idle ones whose memory has grown.

        is_busy: runs are being computed and none is waiting, so warming up another local process can wait
        """
        addresses = set(self._client.nthreads())
        busy = {address: keys for address, keys in self._client.processing().items() if any(map(_run_of, keys))}
        # Dropping a finished future makes Dask forget it; otherwise it would compute it again if the worker died.
        for address, future in self._warm_ups.items():
            if future is not None and future.done() and address in addresses:
                problem = None if future.cancelled() else future.exception()
                self._unfit = str(problem).strip().rstrip(".")[:300] if problem else None
        self._warm_ups = {address: None if future is None or future.done() else future
                          for address, future in self._warm_ups.items() if address in addresses}
        cold = sorted(addresses - self._warm_ups.keys())
        if self._own is not None:  # one at a time: the first is then ready in half the time
            cold = [] if is_busy or any(future is not None for future in self._warm_ups.values()) else cold[:1]
        for address in cold:
            warming = self._client.submit(worker.warm_up, place(), self._own is not None, workers=[address],
                                          key=f"warm-{address}", pure=False)
            warming.add_done_callback(_report)
            self._warm_ups[address] = warming
        if self._own is None:
            return
        self._replenish()
        for address in addresses - busy.keys() - self._condemned:
            if self._silence(address) > SILENT_AFTER and self._is_stopped(address):
                log.warning("Worker %s gives no sign of life and is replaced", address)
                self._condemned.add(address)
                self._kills.submit(self._end, address).add_done_callback(_report)
        for address in [address for address, count in self._computed.items()
                        if count >= RESTART_AFTER and self._memory[address] > RESTART_ABOVE]:
            if address not in busy:
                log.info("Worker %s is renewed after %d runs", address, self._computed.pop(address))
                self._restart(address)

    def close(self):
        """Disconnects from a cluster that was lost. A local one is not closed, as its workers end with this process."""
        for pool in (self._asides, self._kills):
            pool.shutdown(wait=False, cancel_futures=True)
        self._client.close(timeout=2)

    def _check(self):
        """Raises ClusterUnavailable if the connection to the scheduler is lost. Dask's client would keep its callers waiting
        while it tries to connect again."""
        if self._client.status != "running":
            raise ClusterUnavailable(f"The Dask scheduler at {self._address}, which DASK_SCHEDULER_ADDRESS names, is gone. "
                                     "Runs go on by themselves once it is back." if self._address else
                                     "The workers that compute runs were lost. They are started again.")

    def _is_warm(self, address) -> bool:
        future = self._warm_ups.get(address)
        return address in self._warm_ups and (future is None or future.done())

    def _is_ready(self, address) -> bool:
        return self._is_warm(address) and address not in self._condemned and self._silence(address) < SILENT_AFTER

    def _silence(self, address) -> float:
        """Seconds without a sign of life of a worker."""
        return time.monotonic() - self._seen[address][1] if address in self._seen else 0.0

    def _where(self, run_id, attempt) -> str | None:
        """The address of the worker that has the run."""
        key = _key(run_id, attempt)
        return next((address for address, keys in self._client.processing().items() if key in keys), None)

    def _process(self, address) -> psutil.Process | None:
        """The process of a local worker."""
        pids = [nanny.pid for nanny in self._own.workers.values() if nanny.worker_address == address and nanny.pid]
        return psutil.Process(pids[0]) if pids else None

    def _replenish(self):
        """Starts local workers in the places of those that Dask has given up."""
        from distributed.core import Status

        for name, nanny in list(self._own.workers.items()):
            if nanny.status in (Status.closed, Status.failed):
                del self._own.workers[name]
        missing = self._count - len(self._own.workers)
        if missing > self._missing:
            log.warning("Dask has given up %d workers; others are started", missing)
        if missing:
            self._own.scale(self._count)
        self._missing = missing

    def _is_stopped(self, address) -> bool:
        try:
            process = self._process(address)
            return process is not None and process.status() == psutil.STATUS_STOPPED
        except psutil.Error:
            return False

    def _end(self, address):
        """Ends a worker's process, whether or not it answers; its nanny starts another one."""
        if self._own is None:
            self._restart(address)
        elif process := self._process(address):
            process.kill()

    def _restart(self, address):
        self._client.restart_workers([address], timeout=30, raise_for_error=False)


def _knock(address: str):
    """Raises ClusterUnavailable unless a Dask scheduler answers at `address`. Dask's client would wait for ever on
    a server that accepts the connection and never answers."""
    try:
        # In a thread of its own: the caller may have an event loop running, as a notebook has.
        with ThreadPoolExecutor(1) as thread:
            thread.submit(lambda: asyncio.run(asyncio.wait_for(_greet(address), CONNECT_SECONDS))).result()
    except (OSError, ValueError, TypeError, ImportError, MemoryError, OverflowError, LookupError) as error:
        reason = str(error).strip().rstrip(".")[:200] or f"no answer within {CONNECT_SECONDS} s"
        raise ClusterUnavailable(f"No Dask scheduler answers at {address}, which DASK_SCHEDULER_ADDRESS names ({reason}). "
                                 "Start it, correct the address (e.g. tcp://127.0.0.1:8786), or unset "
                                 "DASK_SCHEDULER_ADDRESS and start the app again to compute on this machine.") from error


async def _greet(address: str):
    from distributed.comm import connect
    from distributed.security import Security

    comm = await connect(address, timeout=CONNECT_SECONDS, **Security().get_connection_args("client"))
    await comm.close()


def _key(run_id, attempt) -> str:
    return f"run-{run_id}-{attempt}"


def _run_of(key) -> tuple[str, int] | None:
    """The inverse of `_key`; None for another key."""
    parts = str(key).split("-")
    return (parts[1], int(parts[2])) if parts[0] == "run" and len(parts) == 3 else None


def _local_cluster():
    import dask
    from distributed import LocalCluster

    folder = home() / "dask"
    folder.mkdir(mode=0o700, exist_ok=True)
    # Replaces Dask's defaults, whose MALLOC_TRIM_THRESHOLD_ makes an epoch take half as long again.
    dask.config.set({"temporary-directory": str(folder), "distributed.nanny.pre-spawn-environ": {"OMP_NUM_THREADS": 1}})
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    count = worker_count()
    # TLS, because a scheduler executes whatever it is sent, even by other accounts of this machine. The HTTP server would
    # take port 8787 unless given an address.
    return LocalCluster(host="127.0.0.1", n_workers=count, threads_per_worker=1, processes=True, dashboard_address=None,
                        scheduler_kwargs={"dashboard_address": "127.0.0.1:0"}, security=True,
                        memory_limit=int(0.9 * psutil.virtual_memory().total / count))


def _report(future):
    """Logs the error of a future whose result nobody reads."""
    if not future.cancelled() and future.exception() is not None:
        log.error("A background task for a worker failed: %r", future.exception())
