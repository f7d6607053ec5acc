"""Songs on the workers of a Ray cluster, each a process with the model in memory."""

from __future__ import annotations

import dataclasses
import logging
import os
import platform
import queue
import signal
import socket
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from vocalsep.errors import ClusterError, OptionError
from vocalsep.split_result import SplitResult
from vocalsep.system.extras import needs_extra
from vocalsep.system.files import exists

# some of it is asked for when Ray is imported
os.environ.update(
    RAY_USAGE_STATS_ENABLED="0",  # they would be sent home
    RAY_DEDUP_LOGS="1",
    RAY_DEDUP_LOGS_SKIP_REGEX=".",  # it prints what it notices on stdout, where the results go
    RAY_IGNORE_UNHANDLED_ERRORS="1",  # those of songs that were given up
)
# of the cluster that is started here. Ray gives workers a niceness of 15: next to other work they would get a
# hundredth of a core. And it ends workers that take a minute to start, and starts them again, without end.
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("RAY_worker_register_timeout_seconds", "600")

with needs_extra("ray"):
    import ray
    from ray.exceptions import RayError, RayTaskError

if TYPE_CHECKING:
    from vocalsep.api import Separator
    from vocalsep.audio.outputs import Outputs
    from vocalsep.audio.reading_options import ReadingOptions
    from vocalsep.separation.options import SeparationOptions
    from vocalsep.separation.split_file import Progress
    from vocalsep.weights.ensemble_spec import EnsembleSpec

_log = logging.getLogger("vocalsep")

_ATTEMPTS = 3
_REACH_SECONDS = 10
_LOOK_SECONDS = 0.2
_ANSWER_SECONDS = 60
_PATIENCE_SECONDS = 30


class _Worker:
    """One song at a time goes through the model in one thread, while another says how far it is."""

    def __init__(self, folder: Path, model: EnsembleSpec, options: SeparationOptions, *, offline: bool) -> None:
        self._folder, self._model, self._options, self._offline = folder, model, options, offline
        self._separator: Separator | None = None
        self._reached: tuple[float, float | None] = (0.0, None)
        self._song = threading.Lock()  # held while there is one
        self._stopped = False

    def load(self) -> Separator:
        """Load the model, once. Not when the process starts: Ray tells errors of that as a text alone."""
        if self._separator is None:
            from vocalsep.api import Separator

            try:
                os.chdir(self._folder)  # paths on the command line are relative to it
            except OSError as error:
                message = f"a worker on {platform.node()} cannot enter {self._folder}: {error.strerror}"
                raise ClusterError(message, "All machines need the folders under the same paths.") from error
            self._separator = Separator.from_options(self._model, self._options, offline=self._offline)
        return self._separator

    def is_loaded(self) -> bool:
        """Load the model: it stays here."""
        return bool(self.load())

    def write_stems(self, path: Path, outputs: Outputs, reading: ReadingOptions, track: str | None) -> SplitResult:
        def progress(done: float, total: float | None) -> None:
            self._reached = done, total
            if self._stopped:
                raise RuntimeError("stopped")

        with self._song:
            progress(0.0, None)
            return self.load().write_stems(path, outputs, reading, track=track, progress=progress)

    def reached(self) -> tuple[float, float | None]:
        """Seconds done of the song, and of all, as `vocalsep.api.Progress` has them."""
        return self._reached

    def stop(self) -> None:
        """Give up the song under way; returns when nothing is left of it."""
        self._stopped = True
        with self._song:
            pass


class RayWorkers:
    """Does what a `Separator` does with a file, on whichever worker is idle.

    A song whose worker dies is started again on another worker, a few times.

    Args:
        start: starts a worker.
        workers: those that have been started.
        model: id of the model, for the paths of the stems.
    """

    def __init__(self, start: Callable[[], Any], workers: Iterable[Any], model: str) -> None:
        self._start, self._model = start, model
        self._idle: queue.SimpleQueue[Any] = queue.SimpleQueue()
        for worker in workers:
            self._idle.put(worker)

    def write_stems(
        self, path: Path, outputs: Outputs, reading: ReadingOptions, *, track: str, progress: Progress
    ) -> SplitResult:
        """See `vocalsep.api.Separator.write_stems`; called by as many threads as there are workers.

        Raises:
            ClusterError: the worker died, and so did those that came after it.
        """
        progress(0.0, None)  # ends it here where the batch has been interrupted
        # an attempt that failed may already have given its outputs their names: then they are ours
        ours = not any(exists(target) for target in outputs.paths(track, self._model).values())
        worker, death = self._idle.get(), None
        try:
            for attempt in range(_ATTEMPTS):
                asked = dataclasses.replace(outputs, overwrite=outputs.overwrite or (ours and attempt > 0))
                try:
                    song = worker.write_stems.remote(path, asked, reading, track)
                    return _wait(song, worker, progress)
                except RayTaskError as error:
                    raise error.cause from error
                except RayError as error:
                    death = error
                    _log.warning("%s: the worker died, in attempt %d of %d", track, attempt + 1, _ATTEMPTS)
                    ray.kill(worker)
                    worker = self._start()
            raise ClusterError(
                f"the worker died in each of {_ATTEMPTS} attempts: {_first_line(death)}",
                "Try fewer --jobs, if memory is short; Ray's logs may say more.",
            ) from death
        finally:
            self._idle.put(worker)

    def stop(self) -> None:
        """Give up what is under way, once no thread waits for it any more."""
        stops = {}
        while not self._idle.empty():
            worker = self._idle.get()
            answer = worker.reached.remote()
            stops[answer] = worker.stop.remote()
        # a new one may still wait for its place in the cluster; the others may need minutes for a segment
        answers, _ = ray.wait(list(stops), num_returns=len(stops), timeout=_ANSWER_SECONDS)
        for answer in answers:
            ray.wait([stops[answer]])


@contextmanager
def ray_workers(
    model: EnsembleSpec, options: SeparationOptions, jobs: int, address: str | None, *, offline: bool
) -> Iterator[RayWorkers]:
    """Workers that have loaded the model, as long as the block lasts.

    Args:
        model: the model that each loads.
        options: how it is run; where they leave the threads open, each worker has an equal share of the cores.
        jobs: number of workers.
        address: address of a running cluster; None starts one of this machine, which ends with the block.
        offline: never ask the network for weights.

    Raises:
        ClusterError: no such cluster, or its workers do not start.
        OptionError: the cluster has no room for so many workers.
        ModelError, DeviceError: as `vocalsep.api.Separator` does.
    """
    with _connected(address):
        resources = _resources(jobs, options)
        shared = dataclasses.replace(options, threads=resources["num_cpus"])
        folder = Path.cwd()

        def start() -> Any:
            worker = ray.remote(_Worker).options(max_concurrency=2, **resources)
            return worker.remote(folder, model, shared, offline=offline)

        workers = [start() for _ in range(jobs)]
        try:
            loaded = [worker.is_loaded.remote() for worker in workers]
            _, waiting = ray.wait(loaded, num_returns=jobs, timeout=_PATIENCE_SECONDS)
            if waiting:
                _log.warning(
                    "%d of %d workers are not ready yet: the machine is busy, they download the model, or they "
                    "wait for others to leave the cluster (see 'ray status'; fewer --jobs need less)",
                    len(waiting),
                    jobs,
                )
            ray.get(loaded)
        except RayTaskError as error:
            raise error.cause from error
        except RayError as error:
            raise ClusterError(f"a worker does not start: {_first_line(error)}", "See Ray's logs.") from error
        pool = RayWorkers(start, workers, model.id)
        try:
            yield pool
        finally:
            pool.stop()


@contextmanager
def _connected(address: str | None) -> Iterator[None]:
    handler = signal.getsignal(signal.SIGTERM)
    try:
        if address:
            _check_reachable(address)
        ray.init(address or "local", include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR)
    except Exception as error:  # Ray raises many kinds, the bare one among them
        ray.shutdown()
        what = f"no Ray cluster at {address}" if address else "Ray does not start"
        raise ClusterError(
            f"{what}: {_first_line(error)}",
            "Look at 'ray status'; without --cluster-address, one is started on this machine.",
        ) from error
    finally:
        signal.signal(signal.SIGTERM, handler)  # Ray has one of its own
    try:
        yield
    finally:
        ray.shutdown()


def _check_reachable(address: str) -> None:
    """Fail at once where nobody answers, which takes Ray a quarter of an hour."""
    host, _, port = address.rpartition(":")
    if port.isdecimal() and "/" not in host:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH_SECONDS).close()


def _resources(jobs: int, options: SeparationOptions) -> dict[str, int]:
    """What each worker asks of the cluster: as many cores as there are for each, and a GPU where there are any."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    on_gpu = options.device == "cuda" or (
        options.device == "auto" and any("GPU" in machine for machine in machines)
    )

    def room(threads: int) -> int:
        """How many workers there is room for."""
        cores = [int(machine.get("CPU", 0)) // threads for machine in machines]
        gpus = [int(machine.get("GPU", 0)) for machine in machines]
        return sum(map(min, cores, gpus) if on_gpu else cores)

    most = int(max(machine.get("CPU", 0) for machine in machines))
    threads = options.threads or next((n for n in range(most, 1, -1) if room(n) >= jobs), 1)
    if room(threads) < jobs:
        need = f"{threads} {'core' if threads == 1 else 'cores'}{' and a GPU' if on_gpu else ''}"
        raise OptionError(
            f"the Ray cluster has room for {room(threads)} workers with {need} each", "Lower --jobs."
        )
    return {"num_cpus": threads, "num_gpus": int(on_gpu)}


def _first_line(error: BaseException | None) -> str:
    """What an error of Ray says, without the table and the advice that may follow."""
    return str(error).partition("\n")[0]


def _wait(song: Any, worker: Any, progress: Progress) -> SplitResult:
    """The result of a song; until it is there, how far it is."""
    reached, answer = (0.0, None), worker.reached.remote()
    while not ray.wait([song], timeout=_LOOK_SECONDS)[0]:
        if ray.wait([answer], timeout=0)[0]:
            reached, answer = ray.get(answer), worker.reached.remote()
        progress(*reached)
    result: SplitResult = ray.get(song)
    return result
