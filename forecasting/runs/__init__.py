"""The store of runs, the engine that has them computed, and what people take home.

store: what pages write and read (MLflow, by way of `tracking`) · records: a run as it is stored, and read back ·
files: the folders beside the store · turns: whose run is next, people by turns · ledger: the store as engine and workers
use it · launcher, engine, status: the process that moves everything, its start and its sign of life · cluster, worker:
where runs are computed · reporter: a worker's progress into the store · conductor: moves experiments on ·
kinds/: what a run is · experiments/: runs made of runs · forecasts, export: forecasts and files of a run

Stop goes from the page through `RunStore.request_stop` to the engine's `_see_to_stops`, from there to `worker.stop` in the
process that trains, and reaches the training when it asks its listener.
"""
