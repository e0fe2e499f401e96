"""Several trainings at a time, each in a process of its own.

A small network's step keeps no two cores busy, and tracing and saving keep only one: two
trainings side by side take two thirds of the time they take one after the other.
"""

import multiprocessing
import os
import queue
import signal
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

from training.config import TrainingConfig
from zoo.support.terminal import quiet_tensorflow

OnEpoch = Callable[[TrainingConfig, int, dict[str, float]], None]
_POLL_S = 0.2


def train_all(
    configs: Sequence[TrainingConfig],
    *,
    jobs: int,
    on_epoch: OnEpoch,
    on_done: Callable[[TrainingConfig, Path], None],
    **options: Any,
) -> None:
    """Train several configurations; the weights do not depend on how many at a time.

    The first failure ends all: what was in training can be resumed, what is finished is kept.

    Args:
        configs: What to train. The last is begun first, so that a list which ends with the
            slowest does not end with it alone.
        jobs: How many at a time.
        on_epoch: Called with a configuration, its number of epochs done and what was logged.
        on_done: Called with a configuration and the directory of its run.
        **options: Those of `training.train`.

    Raises:
        OSError: If the process of a training is killed.
    """
    if min(jobs, len(configs)) == 1:
        for config in configs:
            run, _ = _train(config, options, on_epoch)
            on_done(config, run)
        return
    context = multiprocessing.get_context("spawn")  # TensorFlow does not survive a fork
    events = context.Queue()
    alive, end = context.Pipe(duplex=False)
    passed_on: Counter[TrainingConfig] = Counter()

    def pass_on() -> None:
        with suppress(queue.Empty):
            config, epoch, record = events.get(timeout=_POLL_S)
            passed_on[config] += 1
            on_epoch(config, epoch, record)

    with ProcessPoolExecutor(jobs, context, _begin, (events, alive)) as pool:
        try:
            waiting = {pool.submit(_train, config, options): config for config in reversed(configs)}
            pool.submit(int)  # wakes the pool: else it would not see the end of the last process
            while waiting:
                pass_on()
                for future in [future for future in waiting if future.done()]:
                    config = waiting.pop(future)
                    run, epochs = future.result()  # or its error
                    while passed_on[config] < epochs:
                        pass_on()
                    on_done(config, run)
        except BaseException as error:
            end.close()
            pool.shutdown(cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise OSError(
                    "expected trainings to end by themselves, the system killed one, as it does "
                    "for want of memory: lower --jobs, then --resume continues"
                ) from error
            raise


_events: Any = None


def _begin(events: Any, alive: Any) -> None:
    """Prepare a worker, which ends with the process that began it, however that ends."""
    global _events  # a pool hands nothing else to its workers
    _events = events
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    quiet_tensorflow()


def _end_with_parent(alive: Any) -> None:
    """Wait until the parent closes its end of the pipe, or is no more."""
    try:
        alive.recv()
    except EOFError:
        os._exit(1)


def _train(
    config: TrainingConfig, options: dict[str, Any], on_epoch: OnEpoch | None = None
) -> tuple[Path, int]:
    """Train one configuration; return its run and how many epochs were reported."""
    from training.trainer import train

    reported = 0

    def report(epoch: int, record: dict[str, float]) -> None:
        nonlocal reported
        reported += 1
        if on_epoch is None:
            _events.put((config, epoch, record))
        else:
            on_epoch(config, epoch, record)

    return train(config, data=shared_data(config), on_epoch=report, **options), reported


def shared_data(config: TrainingConfig) -> Any:
    """Load what a configuration trains on, unless the one before it had the same images."""
    drawn_by = config.seed if config.images_per_class else 0
    return _load(config.dataset, config.placement, config.images_per_class, drawn_by)


@lru_cache(maxsize=1)
def _load(dataset: str, placement: Any, images_per_class: int | None, seed: int) -> Any:
    from training.trainer import load_data

    return load_data(
        TrainingConfig(
            dataset=dataset, placement=placement, images_per_class=images_per_class, seed=seed
        )
    )
