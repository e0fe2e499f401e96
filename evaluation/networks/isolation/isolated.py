"""Networks that are loaded and called in child processes."""

import itertools
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from evaluation.networks.isolation import child
from evaluation.networks.isolation.limits import Limits
from evaluation.networks.isolation.process import ChildProcess
from zoo.support.plain import plain

_AT_A_TIME = 2  # as many as a sweep calls


class Isolation:
    """Child processes for models: what hangs, ends its process or fills the memory is refused.

    There are two at most, which share the models, since each takes seconds and memory to start.
    It is no protection from a model that means harm: which operations may run is decided by
    `load_model`, as without isolation.

    Args:
        limits: What loading a model and each of its answers may use.
        modules: Modules of the user's that define what models need, such as layers.
        own: A folder of runs that are called directly, since this project has made them.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model
        >>> from evaluation.networks.isolation.isolated import Isolation
        >>> chain = [keras.layers.Flatten(), keras.layers.Dense(3)]
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), *chain])
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     model.save(f"{folder}/net.keras")
        ...     network = load_model(f"{folder}/net.keras", isolate=Isolation())
        >>> network.predict(np.zeros((2, 4, 4, 1), np.float32))["logits"].shape
        TensorShape([2, 3])
    """

    def __init__(
        self,
        limits: Limits | None = None,
        *,
        modules: Sequence[str] = (),
        own: Path | None = None,
    ) -> None:
        """Keep the limits; no process is started yet."""
        self.limits, self.modules, self.own = limits or Limits(), tuple(modules), own
        self._processes: list[ChildProcess] = []
        self._numbers = itertools.count()

    def takes(self, source: Any) -> bool:
        """Whether a model is loaded in a child process: a file that is no run of one's own."""
        if not isinstance(source, str | os.PathLike) or not Path(source).exists():
            return False
        path = Path(source).resolve()
        in_own = self.own is not None and path.parent == self.own.resolve()
        return not (in_own and (path / "config.json").is_file())

    def start(self, sources: Sequence[Any]) -> None:
        """Start the processes that models will need, which takes seconds, without waiting."""
        for _ in range(min(sum(map(self.takes, sources)), _AT_A_TIME) - len(self._processes)):
            self._processes.append(ChildProcess(self.limits, self.modules))

    def load(
        self, source: Any, how: Mapping[str, Any]
    ) -> tuple[Any, Callable[[Any], Mapping[str, Any]]]:
        """Load a model in a child process.

        Args:
            source: The path of the model.
            how: Further arguments of `load_model`.

        Returns:
            Its description and its `predict`, see `evaluation.Network`.

        Raises:
            TimeoutError: If it takes too long.
            ChildProcessError: If it needs too much memory, or its process ends.
            Exception: As `load_model` does.
        """
        number = next(self._numbers)
        place = number % _AT_A_TIME
        if place == len(self._processes):
            self._processes.append(ChildProcess(self.limits, self.modules))
        elif not self._processes[place].alive:  # of an earlier model
            self._processes[place] = ChildProcess(self.limits, self.modules)
        process = self._processes[place]
        name = plain(how.get("name") or Path(source).name)
        info = process.call(f"{name} to be loaded", child.load, number, source, dict(how))

        def predict(images: Any) -> Mapping[str, Any]:
            import numpy as np
            import tensorflow as tf

            shown = np.asarray(images)
            what = f"{name} to answer {len(shown)} images"
            outputs = process.call(what, child.predict, number, shown)
            return {key: tf.convert_to_tensor(value) for key, value in outputs.items()}

        return info, predict


def isolation_by(isolate: "Isolation | Limits | bool") -> Isolation | None:
    """Return the child processes that `isolate` asks for; None if models are called directly."""
    if isinstance(isolate, Isolation):
        return isolate
    if isinstance(isolate, Limits):
        return Isolation(isolate)
    return Isolation() if isolate else None
