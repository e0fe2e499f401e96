"""Keras models as somebody may bring them, good ones and some that cannot be trained."""

import keras


def network(*, seed=0, shape=(32, 32, 3), classes=10, activation="relu", ending=None, name=None):
    """A small classifier with dropout, whose layers but the last are named by Keras."""
    keras.utils.set_random_seed(seed)
    images = keras.Input(shape)
    x = keras.layers.Conv2D(4, 3, activation=activation)(images)
    x = keras.layers.Flatten()(keras.layers.MaxPooling2D(4)(x))
    x = keras.layers.Dropout(0.25)(x)
    outputs = keras.layers.Dense(classes, activation=ending, name="logits")(x)
    return keras.Model(images, outputs, name=name)


def segmenter(channels=11, strides=1):
    images = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(4, 3, strides, padding="same", activation="relu", name="stem")(images)
    return keras.Model(images, keras.layers.Conv2D(channels, 1, name="logits")(x))


def detector(keys=("logits", "box")):
    images = keras.Input((None, None, 3))
    x = keras.layers.Conv2D(4, 3, activation="relu")(images)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logits = keras.layers.Dense(10)(x)
    box = keras.layers.Dense(4)(x)
    return keras.Model(images, dict(zip(keys, (logits, box), strict=True)))


def with_lists():
    """The same with lists of one input and one output."""
    images = keras.Input((32, 32, 3))
    x = keras.layers.Dense(10, name="logits")(keras.layers.Flatten()(images))
    return keras.Model([images], [x])


def sequential():
    """A Sequential model that knows its input."""
    layers = [keras.layers.Flatten(), keras.layers.Dense(10, name="logits")]
    return keras.Sequential([keras.Input((32, 32, 3)), *layers])


class Subclass(keras.Model):
    """A model that does not know its layers."""

    def call(self, images):
        return images


def two_inputs():
    first, second = keras.Input((32, 32, 3)), keras.Input((32, 32, 3))
    return keras.Model([first, second], keras.layers.Dense(10)(keras.layers.Flatten()(first)))


def whole_numbers():
    images = keras.Input((32, 32, 3), dtype="uint8")
    x = keras.layers.Rescaling(1 / 255)(images)
    return keras.Model(images, keras.layers.Dense(10)(keras.layers.Flatten()(x)))


def of_a_function():
    images = keras.Input((32, 32, 3))
    x = keras.layers.Lambda(lambda x: 2 * x)(images)
    return keras.Model(images, keras.layers.Dense(10)(keras.layers.Flatten()(x)))
