"""Names of classes in the files of networks, and pictures that are put into their order."""

import zipfile

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from evaluation import evaluate, load_model
from evaluation.networks.outputs import class_names
from zoo.datasets import from_arrays, open_data
from zoo.datasets.class_order import in_order

SHAPE, UNIT = (8, 8, 3), {"preprocessing": "unit"}
NAMES = ["zebra", "ant", "mole"]  # not in the order of text


class Module(tf.Module):
    """Says which of red, green and blue is the strongest."""

    def __init__(self, labels=None, numbers=False):
        super().__init__()
        self.table = tf.saved_model.Asset(str(labels)) if labels else None
        self.numbers = numbers

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def texts(self, images):
        scores = tf.reduce_mean(images, axis=(1, 2))
        words = tf.tile(tf.constant([NAMES]), [tf.shape(images)[0], 1])
        return {"scores": scores, "classes": words, "best": tf.argmax(scores, axis=-1)}

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def scores(self, images):
        return {"scores": tf.reduce_mean(images, axis=(1, 2))}

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def best(self, images):
        return {"best": tf.argmax(tf.reduce_mean(images, axis=(1, 2)), axis=-1)}


def saved(path, module, call):
    tf.saved_model.save(module, path, signatures={"serving_default": getattr(module, call)})
    return path


def test_names_that_a_signature_answers_are_those_of_its_classes(tmp_path):
    network = load_model(saved(tmp_path / "net", Module(), "texts"), **UNIT)
    assert (network.info.task, network.info.num_classes) == ("classification", 3)
    assert network.info.metadata["class_names"] == NAMES


def test_a_table_among_the_assets_names_the_classes(tmp_path):
    (tmp_path / "labels.txt").write_text("\n".join(NAMES))
    network = load_model(saved(tmp_path / "net", Module(tmp_path / "labels.txt"), "scores"), **UNIT)
    assert network.info.metadata["class_names"] == NAMES
    (tmp_path / "labels.txt").write_text("\n".join(NAMES[:2]))  # not one for each class
    network = load_model(saved(tmp_path / "two", Module(tmp_path / "labels.txt"), "scores"), **UNIT)
    assert "class_names" not in network.info.metadata


def test_numbers_of_classes_alone_are_refused_since_they_do_not_say_how_sure_they_are(tmp_path):
    with pytest.raises(ValueError, match="do not tell how sure they are"):
        load_model(saved(tmp_path / "net", Module(), "best"), **UNIT)


def test_a_table_that_is_attached_to_a_lite_file_names_the_classes(tmp_path):
    chain = [keras.Input(SHAPE), keras.layers.GlobalAveragePooling2D()]
    content = tf.lite.TFLiteConverter.from_keras_model(keras.Sequential(chain)).convert()
    (tmp_path / "net.tflite").write_bytes(content)
    assert class_names.in_tflite(tmp_path / "net.tflite") == []
    with zipfile.ZipFile(tmp_path / "net.tflite", "a") as attached:
        attached.writestr("labels.txt", "\n".join(NAMES))
    network = load_model(tmp_path / "net.tflite", **UNIT)
    assert network.info.metadata["class_names"] == NAMES


def test_a_damaged_table_names_nothing(tmp_path):
    path = tmp_path / "net.tflite"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as attached:
        attached.writestr("labels.txt", "\n".join(NAMES) * 50)
    content = bytearray(path.read_bytes())
    start = content.index(b"labels.txt") + len("labels.txt")
    content[start : start + 4] = b"\xff" * 4  # no compressed text begins so
    path.write_bytes(content)
    assert class_names.in_tflite(path) == []


@pytest.mark.parametrize(
    ("metadata", "expected"),
    [
        ({"names": "{0: 'zebra', 1: 'ant', 2: 'mole'}"}, NAMES),
        ({"labels": '["zebra", "ant", "mole"]'}, NAMES),
        ({"names": '{"0": "zebra", "1": "ant", "2": "mole"}'}, NAMES),
        ({"names": "{0: 'zebra', 5: 'ant'}"}, []),
        ({"names": "__import__('os')"}, []),
        ({"names": "[" * 100_000}, []),
        ({"stride": "32"}, []),
    ],
)
def test_names_in_the_metadata_of_an_onnx_file(metadata, expected):
    assert class_names.in_onnx(metadata) == expected


def test_pictures_by_class_are_put_into_the_order_of_the_network(tmp_path, caplog):
    for name in NAMES:
        (tmp_path / "pictures" / name).mkdir(parents=True)
        for k in range(5):
            colour = np.zeros(3, int) + 10 * k
            colour[NAMES.index(name)] = 250
            Image.new("RGB", (8, 8), tuple(map(int, colour))).save(
                tmp_path / "pictures" / name / f"{k}.png"
            )
    network = load_model(saved(tmp_path / "net", Module(), "texts"), **UNIT)
    found = evaluate(network, tmp_path / "pictures", "horizontal_flip", scores="accuracy").frame
    assert (found["value"] == 1).all()
    assert "in which ant is number 1" in caplog.text
    assert "another order" not in caplog.text
    data = open_data(tmp_path / "pictures", SHAPE)
    assert data.class_names == ("ant", "mole", "zebra")


def test_masks_and_objects_follow_the_order_of_classes():
    masks = np.array([[[0, 1], [2, 0]]])
    objects = np.array([[[0, 0, 1, 1, 0], [1, 1, 2, 2, 1], [np.nan] * 5]])
    images = np.zeros((1, 2, 2, 1), np.float32)
    data = from_arrays(images, masks=masks, objects=objects, class_names=["cat", "dog"])
    found = in_order(data, ["dog", "bird", "cat"])
    assert found.masks.tolist() == [[[0, 3], [1, 0]]]
    assert found.objects[0, :2, 4].tolist() == [2, 0]
    assert np.isnan(found.objects[0, 2]).all()
    assert data.objects[0, 0, 4] == 0  # the given one is as it was
    with pytest.raises(ValueError, match="dog has none"):
        in_order(data, ["cat"])


def test_models_that_disagree_on_the_order_are_named_and_those_without_names_follow(caplog):
    from evaluation import NetworkInfo
    from evaluation.data import in_order_of

    def info(*names):
        known = {"class_names": names} if names else {}
        return NetworkInfo("-".join(names) or "net", "classification", SHAPE, len(names), "", known)

    data = from_arrays(np.zeros((2, *SHAPE)), [0, 1], class_names=["ant", "mole"])
    found = in_order_of([info(*NAMES), info()], data)
    assert found.labels.tolist() == [1, 2]
    assert "net, without names, is taken to have the same" in caplog.text
    assert in_order_of([info(), info("cat", "dog")], data) is data
    caplog.clear()
    assert in_order_of([info(*NAMES), info("mole", "ant")], data) is data
    assert "different orders" in caplog.text
