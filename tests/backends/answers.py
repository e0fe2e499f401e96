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


def transformed(transformation):
    """Return images, masks and boxes at the ends of the grid, and images at both at once."""
    random = np.random.default_rng(0)
    images = random.random((2, 16, 17, 3)).astype(np.float32)
    masks = random.integers(0, 4, (2, 16, 17)).astype(np.int32)
    boxes = np.array([[2, 3, 9, 11], [0, 0, 17, 16]], np.float32)
    images, masks, boxes = map(keras.ops.convert_to_tensor, (images, masks, boxes))
    ends = transformation.strengths[0], transformation.strengths[-1]
    found = (
        [transformation.images(images, np.array(ends, np.float32))]
        if not hasattr(transformation, "parts")
        else []
    )
    for v in ends:
        found += [transformation.images(images, v), transformation.masks(masks, v)]
        found.append(transformation.boxes(boxes, v, (16, 17)))
    return [np.asarray(keras.ops.convert_to_numpy(y), np.float64) for y in found]


def main(directory):
    assert zoo.architectures.ARCHITECTURES
    assert zoo.layers.__all__
    for name, transformation in zoo.transformations.TRANSFORMATIONS.items():
        file = directory / f"transformation {name}.{keras.backend.backend()}.npz"
        np.savez(file, *transformed(transformation))
    for file in sorted(directory.glob("*.keras")):
        with np.load(file.with_suffix(".npz")) as stored:
            inputs = [stored[key] for key in stored.files]
        outputs = answer(keras.saving.load_model(file), inputs if len(inputs) > 1 else inputs[0])
        np.savez(directory / f"{file.stem}.{keras.backend.backend()}.npz", *outputs)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
