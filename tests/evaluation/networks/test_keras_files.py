"""Keras files that cannot be read say which layer, which argument, and what to do about it."""

import json
import zipfile

import h5py
import keras
import numpy as np
import pytest
from keras import layers

from evaluation import load_model
from tests.evaluation.made import as_h5_file, as_keras_file

SHAPE = (8, 8, 3)
EXPORT = r"Keras 2\.13\.1 and Keras 3\.\S+ cannot read it \(%s\): .* export it as a SavedModel$"


def model():
    inputs = keras.Input(SHAPE)
    x = layers.Flatten()(layers.DepthwiseConv2D(3, name="deep")(inputs))
    return keras.Model(inputs, layers.Dense(3, name="dense")(x), name="net")


def changed(path, version, change):
    """A file in whose description each layer is changed, as if another version had written it."""

    def text(content):
        found = json.loads(content)
        for layer in found["config"]["layers"]:
            change(layer)
        return json.dumps(found)

    if path.suffix == ".h5":
        with h5py.File(path, "r+") as file:
            file.attrs["keras_version"] = version
            file.attrs["model_config"] = text(file.attrs["model_config"])
        return path
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["metadata.json"] = json.dumps({"keras_version": version})
    files["config.json"] = text(files["config.json"])
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def groups(layer):
    if layer["class_name"] == "DepthwiseConv2D":
        layer["config"] |= {"groups": 1, "kernel_initializer": {"config": {"seed": None}}}


def policy(layer):
    layer["config"]["dtype"] = {"class_name": "Policy", "config": {"name": "mixed_float16"}}


def operation(layer):
    if layer["class_name"] == "DepthwiseConv2D":
        layer["class_name"] = "TFOpLambda"


def refused(path, message):
    with pytest.raises(ValueError, match=message) as error:
        load_model(path)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 500 + len(str(path))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (groups, "DepthwiseConv2D takes no groups, kernel_initializer"),
        (policy, "it has a dtype policy of its own, such as mixed precision"),
        (operation, "it has no class TFOpLambda"),
    ],
)
def test_files_of_keras_2_are_named_with_what_is_in_the_way(tmp_path, change, reason):
    refused(changed(as_h5_file(model(), tmp_path), "2.13.1", change), EXPORT % reason)


@pytest.mark.parametrize(
    "module", [b"keras.src.engine.functional", b"tf_keras.src.engine.functional"]
)
def test_the_format_of_keras_2_is_no_class_of_ones_own(tmp_path, module):
    path = as_keras_file(model(), tmp_path)
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    files["metadata.json"] = json.dumps({"keras_version": "2.13.1"})
    files["config.json"] = files["config.json"].replace(
        b'"module": "keras.src.models.functional"', b'"module": "%s"' % module
    )
    assert module in files["config.json"]
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    refused(path, EXPORT % "it has no class Functional")


def test_what_a_newer_keras_has_added_is_named_too(tmp_path):
    def newer(layer):
        if layer["class_name"] == "DepthwiseConv2D":
            layer["config"]["novelty"] = 1

    path = changed(as_keras_file(model(), tmp_path), "3.99.0", newer)
    refused(path, r"by Keras 3\.99\.0 and .* \(DepthwiseConv2D takes no novelty\): .* SavedModel$")


def test_a_missing_class_of_ones_own_is_still_given(tmp_path):
    def own(layer):
        if layer["class_name"] == "Dense":
            layer |= {"class_name": "Mine", "module": None, "registered_name": "Mine"}

    for save in (as_h5_file, as_keras_file):
        path = changed(save(model(), tmp_path), "2.13.1", own)
        refused(path, r"it needs the class Mine: give it as custom_objects=\{'Mine': …\}")


@pytest.mark.filterwarnings("ignore")
def test_an_operation_that_h5_cannot_hold_is_no_class_of_ones_own(tmp_path):
    inputs = keras.Input(SHAPE)
    x = layers.Flatten()(keras.ops.relu(keras.ops.cast(inputs, "float32")))
    made = keras.Model(inputs, layers.Dense(3)(x), name="net")
    remedy = (
        r"operation Cast of keras\.ops, which \.h5 cannot hold: save it as \.keras or export it"
    )
    refused(as_h5_file(made, tmp_path), remedy)
    load_model(as_keras_file(made, tmp_path), preprocessing="unit")


@pytest.mark.parametrize("save", [as_keras_file, as_h5_file])
@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_weights_that_are_no_numbers_are_said(save, value, tmp_path, caplog):
    made = model()
    load_model(save(made, tmp_path), preprocessing="unit")
    assert "NaN" not in caplog.text
    kernel, bias = made.layers[-1].get_weights()
    kernel[0, 0] = value
    made.layers[-1].set_weights([kernel, bias])
    load_model(save(made, tmp_path), preprocessing="unit")
    (said,) = [m for m in caplog.messages if "NaN" in m]
    assert said == "net has NaN or infinity among its weights: dense/kernel"
