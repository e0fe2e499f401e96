"""Answer saved networks on the backend of KERAS_BACKEND, in a process without TensorFlow."""

import os
import sys
from pathlib import Path

if os.environ["KERAS_BACKEND"] != "tensorflow":
    sys.modules["tensorflow"] = None  # to import it is an error from here on

import keras
import numpy as np

import zoo.architectures
import zoo.layers
import zoo.transformations


def answer(model, inputs):
    """Return everything a network gives for some inputs, as float64."""
    outputs = keras.tree.flatten(model(inputs, training=False))
    return [np.asarray(keras.ops.convert_to_numpy(y), np.float64) for y in outputs]


def main(directory):
    assert zoo.architectures.ARCHITECTURES
    assert zoo.layers.__all__
    assert zoo.transformations.TRANSFORMATIONS
    for file in sorted(directory.glob("*.keras")):
        with np.load(file.with_suffix(".npz")) as stored:
            inputs = [stored[key] for key in stored.files]
        outputs = answer(keras.saving.load_model(file), inputs if len(inputs) > 1 else inputs[0])
        np.savez(directory / f"{file.stem}.{keras.backend.backend()}.npz", *outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
