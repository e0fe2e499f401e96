"""SavedModels that no Keras made: of TensorFlow 1, and modules with functions of any name."""

import numpy as np
import pytest
import tensorflow as tf

from evaluation import load_model
from evaluation.networks.inspection import inspect_model
from tests.agreement import assert_agree

v1 = tf.compat.v1

SHAPE = (8, 8, 3)
SPEC = tf.TensorSpec((None, *SHAPE), tf.float32)
RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((10, *SHAPE), np.float32)
KERNEL = RANDOM.normal(size=(3, 3, 3, 4)).astype(np.float32)
UNIT = {"preprocessing": "unit"}


def agrees(network, expected):
    found = network.predict(IMAGES)["logits"].numpy()
    np.testing.assert_array_equal(found.argmax(axis=-1), expected.argmax(axis=-1))
    assert_agree(found, expected, steps=3, dtype=np.float32)


def graph(resource):
    """A small network with its own batch normalisation and a loop, in a graph of TensorFlow 1."""
    images = v1.placeholder(tf.float32, (None, *SHAPE), name="images")
    kernel = v1.get_variable("kernel", initializer=KERNEL, use_resource=resource)
    maps = tf.nn.conv2d(images, kernel, 1, "SAME")
    ones = np.ones(4, np.float32)
    maps, _, _ = v1.nn.fused_batch_norm(maps, ones, ones, 0.1 * ones, ones, is_training=False)
    maps = v1.while_loop(lambda k, _: k < 2, lambda k, x: (k + 1, tf.nn.relu(x)), (0, maps))[1]
    scores = tf.identity(tf.reduce_mean(maps, (1, 2)), name="scores")
    return images, scores, tf.identity(2 * scores, name="double")


@pytest.mark.parametrize("resource", [False, True])
def test_of_two_signatures_of_tensorflow_1_one_is_chosen(tmp_path, resource):
    with tf.Graph().as_default(), v1.Session() as session:
        images, scores, double = graph(resource)
        session.run(v1.global_variables_initializer())
        signed = v1.saved_model.predict_signature_def
        builder = v1.saved_model.Builder(str(tmp_path / "net"))
        signatures = {
            "classify": signed({"images": images}, {"scores": scores}),
            "double": signed({"images": images}, {"scores": double}),
        }
        builder.add_meta_graph_and_variables(session, ["serve"], signatures)
        builder.save()
        expected = session.run([scores, double], {images: IMAGES})
    for name, answers in zip(signatures, expected, strict=True):
        agrees(load_model(tmp_path / "net", signature=name, **UNIT), answers)
    with pytest.raises(ValueError, match=r"among classify, double in .* choose one by signature="):
        load_model(tmp_path / "net")
    listed = inspect_model(tmp_path / "net")
    assert {"signature classify", "signature double"} <= set(listed)
    assert "choose one by signature=" in listed["task"]


@pytest.mark.filterwarnings("ignore")  # that these functions are old
def test_a_frozen_graph_of_tensorflow_1_needs_no_variables(tmp_path):
    with tf.Graph().as_default(), v1.Session() as session:
        images, scores, _ = graph(resource=False)
        session.run(v1.global_variables_initializer())
        expected = session.run(scores, {images: IMAGES})
        frozen = v1.graph_util.convert_variables_to_constants(
            session, session.graph_def, ["scores"]
        )
    with tf.Graph().as_default() as other, v1.Session() as session:
        tf.import_graph_def(frozen, name="")
        ends = (other.get_tensor_by_name(f"{name}:0") for name in ("images", "scores"))
        images, scores = ends
        v1.saved_model.simple_save(
            session, str(tmp_path / "net"), {"images": images}, {"scores": scores}
        )
    agrees(load_model(tmp_path / "net", **UNIT), expected)
    (tmp_path / "net.pb").write_bytes(frozen.SerializeToString())
    with pytest.raises(ValueError, match=r"net\.pb, which is a graph alone: .*simple_save"):
        load_model(tmp_path / "net.pb")
    with pytest.raises(
        ValueError, match=r"expected the directory of a SavedModel, .*give the folder"
    ):
        load_model(tmp_path / "net" / "saved_model.pb")


class Module(tf.Module):
    """Functions, without any signature."""

    def __init__(self):
        super().__init__()
        self.kernel = tf.Variable(KERNEL)

    @tf.function(input_signature=[SPEC])
    def classify(self, images):
        return tf.reduce_mean(tf.nn.conv2d(images, self.kernel, 1, "SAME"), (1, 2))

    @tf.function(input_signature=[SPEC])
    def double(self, images):
        return {"a": 2 * self.classify(images)}


class Called(Module):
    """A call that was traced for several shapes, and for training."""

    classify = double = None

    @tf.function
    def __call__(self, images, training=False):
        scores = tf.reduce_mean(tf.nn.conv2d(images, self.kernel, 1, "SAME"), (1, 2))
        return 0 * scores if training else scores


def test_functions_of_a_module_are_called_by_their_names(tmp_path):
    module = Module()
    tf.saved_model.save(module, tmp_path / "net")
    for name, expected in (
        ("classify", module.classify(IMAGES)),
        ("double", module.double(IMAGES)["a"]),
    ):
        agrees(load_model(tmp_path / "net", signature=name, **UNIT), expected.numpy())
    with pytest.raises(ValueError, match=r"among classify, double in .* choose one by signature="):
        load_model(tmp_path / "net")


def test_the_call_of_a_module_is_that_for_any_number_of_images(tmp_path):
    module = Called()
    for images, training in ((IMAGES[:2], False), (IMAGES, True), (SPEC, True), (SPEC, False)):
        module.__call__.get_concrete_function(images, training=training)
    tf.saved_model.save(module, tmp_path / "net")
    agrees(load_model(tmp_path / "net", **UNIT), module(IMAGES).numpy())
    assert inspect_model(tmp_path / "net")["images"] == "8×8, 3 channels"


def test_a_module_that_was_never_called_says_what_to_do(tmp_path):
    tf.saved_model.save(Called(), tmp_path / "net")
    with pytest.raises(ValueError, match=r"there is none in .*net: save it with signatures="):
        load_model(tmp_path / "net")
