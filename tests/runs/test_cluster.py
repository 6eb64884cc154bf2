"""The workers as real processes, without TensorFlow."""

import time

import psutil
import pytest

from forecasting.runs.cluster import Cluster, ClusterUnavailable, _key

RUN = "a" * 32


@pytest.fixture
def cluster(home, monkeypatch):
    monkeypatch.setenv("FORECASTING_WORKERS", "1")
    cluster = Cluster()
    yield cluster
    cluster.close()
    cluster._own.close()


def wait_for(condition, seconds=60):
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
    return value


def test_a_frozen_worker_gives_no_sign_of_life_and_is_ended_at_once(cluster):
    future = cluster._client.submit(time.sleep, 600, key=_key(RUN, 3), pure=False)
    first = wait_for(lambda: cluster.listen().get((RUN, 3)))
    assert wait_for(lambda: cluster.listen()[RUN, 3] != first)
    (address,) = cluster._client.nthreads()
    process = cluster._process(address)
    process.suspend()
    time.sleep(1.5)  # what it sent before has arrived
    last = cluster.listen()
    time.sleep(1.5)
    assert cluster.listen() == last
    assert not cluster.stop("b" * 32, 1, None)
    assert cluster.stop(RUN, 3, None)  # which nobody hears
    assert cluster.kill(RUN, 3)
    psutil.wait_procs([process], timeout=5)
    assert not process.is_running()
    wait_for(future.done)
    assert future.status == "error"
    wait_for(lambda: cluster._client.nthreads().keys() - {address})  # another one takes its place
    assert cluster.listen() == {}


def test_a_worker_that_dask_gives_up_is_replaced(cluster):
    (address,) = wait_for(cluster._client.nthreads)
    cluster._replenish()
    assert list(cluster._client.nthreads()) == [address]
    (nanny,) = cluster._own.workers.values()
    cluster._own.sync(nanny.close)
    wait_for(lambda: not cluster._client.nthreads())
    cluster._replenish()
    wait_for(lambda: cluster._client.nthreads() and cluster._own.workers)
    cluster._replenish()  # which starts no more than there were
    time.sleep(0.5)
    assert len(cluster._own.workers) == 1


def test_a_lost_scheduler_is_noticed_at_once(cluster):
    assert cluster.size() == 1
    cluster._client.status = "connecting"  # as Dask's client has it while it tries for long
    for call in (cluster.size, cluster.listen, lambda: cluster.free(0)):
        with pytest.raises(ClusterUnavailable, match="started again"):
            call()
    cluster._client.status = "running"


def test_a_worker_that_is_silent_or_being_ended_is_given_nothing(cluster, monkeypatch):
    (address,) = wait_for(cluster._client.nthreads)
    cluster._warm_ups[address] = None
    cluster.listen()
    assert cluster.free(0) == 1
    cluster._condemned.add(address)
    assert cluster.free(0) == 0
    cluster._condemned.clear()
    sign, _ = cluster._seen[address]
    cluster._seen[address] = (sign, time.monotonic() - 60)
    assert cluster.free(0) == 0
