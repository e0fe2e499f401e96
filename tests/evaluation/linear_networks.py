"""Two linear classifiers that resemble each other, random images, and axes to move them along."""

from dataclasses import replace

import numpy as np
import tensorflow as tf

from tests.evaluation.made import network
from zoo.transformations import TRANSFORMATIONS

COUNT, SHAPE, CLASSES = 150, (8, 10, 3), 3
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((COUNT, *SHAPE), np.float32)
WEIGHTS = RANDOM.normal(size=(np.prod(SHAPE), CLASSES)).astype(np.float32)
AXES = [
    replace(TRANSFORMATIONS["translation_x"], strengths=(-1, 0, 1, 2), boundary="circular"),
    replace(TRANSFORMATIONS["contrast"], strengths=(50, 100, 150)),
]


def linear(name, weights=WEIGHTS):
    def predict(images):
        return {"logits": tf.reshape(images - 0.5, (len(images), -1)) @ weights}

    return network(name, "classification", SHAPE, CLASSES, predict, str(weights.sum()))


# Right for four images of five, so that all scores have something to say.
LABELS = linear("truth").predict(IMAGES)["logits"].numpy().argmax(-1)
LABELS[::5] = (LABELS[::5] + 1) % CLASSES
DATA = (IMAGES, LABELS)
# Like the first model for most images.
NEIGHBOUR = WEIGHTS + 0.15 * RANDOM.normal(size=WEIGHTS.shape).astype(np.float32)
