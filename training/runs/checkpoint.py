"""Checkpoints of a training's whole state, so that a resumed one ends with the same weights."""

import io
import json
from pathlib import Path
from typing import Any

import keras
import numpy as np

from zoo.support.files import write


class Checkpoint(keras.callbacks.Callback):
    """A callback that saves, at the end of each epoch, everything that the next one depends on.

    This is the variables of the model (including the states of its seed generators) and of the
    optimiser, the state of early stopping, and the history. Keras's `BackupAndRestore` leaves out
    the seed generators, so a resumed training would draw other dropout masks.

    Attributes:
        epoch: The number of epochs done and saved.
        history: The logged values of each of these epochs, by name.
        stopped: Whether early stopping has ended the training.
    """

    def __init__(
        self, path: Path, stopping: keras.callbacks.EarlyStopping | None, structure: str
    ) -> None:
        """Read the checkpoint if there is one.

        Args:
            path: The file of the checkpoint.
            stopping: The callback of early stopping; None without.
            structure: Fingerprint of the network's layers (see `fingerprint.structure`).

        Raises:
            ValueError: If the file is damaged.
        """
        super().__init__()
        self._path, self._stopping, self._structure = path, stopping, structure
        self._saved: dict[str, np.ndarray] = {}
        if path.exists():
            try:
                with path.open("rb") as file:
                    self._saved = dict(np.load(file, allow_pickle=False))
            except Exception as error:
                raise ValueError(
                    f"expected a checkpoint in {path}, received a damaged file: begin again with "
                    "--overwrite"
                ) from error
        state = json.loads(str(self._saved["state"])) if self._saved else {}
        self.epoch: int = state.get("epoch", 0)
        self.history: list[dict[str, float]] = state.get("history", [])
        self.stopped: bool = state.get("stopped", False)
        self._stopping_state = state.get("stopping", {})
        self._saved_structure = state.get("structure")

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        """Restore the saved state, after early stopping, which resets itself at this point.

        Raises:
            ValueError: If the saved state is that of another network.
        """
        self.model.optimizer.build(self.model.trainable_variables)
        if not self._saved:
            return
        variables = self._variables()
        saved = [v for name, v in self._saved.items() if name.startswith("variable")]
        same = [tuple(v.shape) for v in variables] == [v.shape for v in saved]
        if not same or self._saved_structure != self._structure:
            raise ValueError(
                f"expected a checkpoint of {self.model.name} as it is now in {self._path}, "
                "received one of another network: begin again with --overwrite"
            )
        for variable, value in zip(variables, saved, strict=True):
            variable.assign(value)
        if self._stopping is not None:
            for name, value in self._stopping_state.items():
                setattr(self._stopping, name, value)
            if "best0" in self._saved:
                count = sum(key.startswith("best") for key in self._saved)
                self._stopping.best_weights = [self._saved[f"best{k}"] for k in range(count)]

    def put_back(self, model: keras.Model) -> None:
        """Set a network to the weights to keep, for a training whose epochs are all done."""
        self.set_model(model)
        self.on_train_begin()
        if self._stopping is not None and self._stopping.best_weights:
            model.set_weights(self._stopping.best_weights)

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:
        """Save the state, replacing that of the previous epoch."""
        arrays: dict[str, Any] = {
            f"variable{k}": np.asarray(v) for k, v in enumerate(self._variables())
        }
        state: dict[str, Any] = {
            "epoch": epoch + 1,
            "history": self.history,
            "structure": self._structure,
        }
        if self._stopping is not None:
            remembered = ("wait", "best", "best_epoch", "stopped_epoch")
            state["stopping"] = {name: float(getattr(self._stopping, name)) for name in remembered}
            state["stopped"] = bool(self.model.stop_training)
            for k, weights in enumerate(self._stopping.best_weights or []):
                arrays[f"best{k}"] = np.asarray(weights)
        buffer = io.BytesIO()
        np.savez(buffer, state=np.array(json.dumps(state)), **arrays)
        write(self._path, lambda file: file.write(buffer.getvalue()))
        self.epoch = epoch + 1

    def _variables(self) -> list[Any]:
        return [*self.model.variables, *self.model.optimizer.variables]
