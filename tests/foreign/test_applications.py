"""The families of keras.applications, of Keras 3 and Keras 2, as SavedModels.

No weights are needed: what is tested is that every operation of theirs is known to compute, that
answers are the model's own, and that families which scale pixels by themselves are shown bytes.
"""

import keras
import numpy as np
import pytest

from evaluation import load_model
from tests.agreement import assert_agree, depth

tf_keras = pytest.importorskip("tf_keras")

SCALING = {  # which do it by themselves
    *("MobileNetV3Small", "EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny"),
    *("RegNetX002", "ResNetRS50"),
}
OF_KERAS_3 = (
    *("VGG16", "ResNet50", "ResNet50V2", "InceptionV3", "InceptionResNetV2", "Xception"),
    *("MobileNet", "MobileNetV2", "MobileNetV3Small", "DenseNet121", "NASNetMobile"),
    *("EfficientNetB0", "EfficientNetV2B0", "ConvNeXtTiny"),
)
OF_KERAS_2 = ("MobileNetV3Small", "EfficientNetB0", "RegNetX002", "ResNetRS50")  # two only there


def answers_as(model, path, family):
    network = load_model(path, preprocessing=None if family in SCALING else "unit")
    info = network.info
    assert info.preprocessing == ("bytes" if family in SCALING else "unit")
    assert info.settled == ("first layers" if family in SCALING else "given")
    size = model.input_shape[1:]
    images = np.random.default_rng(0).random((3, *size), np.float32)
    shown = 255 * images if family in SCALING else images
    expected = np.asarray(model(shown, training=False))
    found = network.predict(images)["logits"].numpy()
    np.testing.assert_array_equal(found.argmax(axis=-1), expected.argmax(axis=-1))
    assert_agree(found, expected, steps=depth(model), dtype=np.float32)


def made(library, family):
    library.utils.set_random_seed(0)
    size = 75 if "Inception" in family or family == "Xception" else 32
    shape = {"input_shape": (size, size, 3), "weights": None, "classes": 4}
    return getattr(library.applications, family)(**shape, classifier_activation=None)


@pytest.mark.parametrize("family", OF_KERAS_3)
def test_of_keras_3(family, tmp_path):
    model = made(keras, family)
    model.export(tmp_path / "net", verbose=False)
    answers_as(model, tmp_path / "net", family)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("family", OF_KERAS_2)
def test_of_keras_2(family, tmp_path):
    model = made(tf_keras, family)
    model.save(tmp_path / "net", save_format="tf")
    answers_as(model, tmp_path / "net", family)
