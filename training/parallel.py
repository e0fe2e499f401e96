"""Several trainings at the same time, each in its own process.

A step of a small network cannot keep two cores busy, and tracing and saving use only one: two
trainings in parallel take two thirds of the time that they take in sequence.
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
    """Train several configurations; the weights do not depend on `jobs`.

    The first failure ends all trainings: finished runs are kept, unfinished ones can be resumed.

    Args:
        configs: What to train. With several jobs the last one starts first, so that a slow one at
            the end of the list is not left to run alone.
        jobs: Number of trainings at the same time, at least 1.
        on_epoch: Called after an epoch with the configuration, the number of epochs done and the
            logged values by name.
        on_done: Called after a training with the configuration and the directory of its run.
        **options: Other arguments of `training.train`.

    Raises:
        OSError: If the process of a training is killed.
        Exception: Whatever `training.train` raises.
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
            pool.submit(int)  # wakes the pool, which would else miss the end of the last process
            while waiting:
                pass_on()
                for future in [future for future in waiting if future.done()]:
                    config = waiting.pop(future)
                    run, epochs = future.result()  # raises the error of a failed training
                    while passed_on[config] < epochs:
                        pass_on()
                    on_done(config, run)
        except BaseException as error:
            end.close()
            pool.shutdown(cancel_futures=True)
            if isinstance(error, BrokenProcessPool):
                raise OSError(
                    "expected all trainings to finish, the system killed one, as it does for lack "
                    "of memory: choose fewer --jobs, and continue with --resume"
                ) from error
            raise


_events: Any = None


def _begin(events: Any, alive: Any) -> None:
    """Prepare a worker process, which ends when its parent ends, in whatever way."""
    global _events  # a queue can only be passed to a worker when it starts, not with a task
    _events = events
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    threading.Thread(target=_end_with_parent, args=(alive,), daemon=True).start()
    quiet_tensorflow()


def _end_with_parent(alive: Any) -> None:
    """Exit as soon as the parent closes its end of the pipe, or no longer exists."""
    try:
        alive.recv()
    except EOFError:
        os._exit(1)


def _train(
    config: TrainingConfig, options: dict[str, Any], on_epoch: OnEpoch | None = None
) -> tuple[Path, int]:
    """Train one configuration; return its run's directory and how many epochs were reported."""
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
    """Load the images of a configuration, or reuse those of the last call if they are the same."""
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
