"""ONNX files answer as ONNX Runtime does, on the same pictures."""

import numpy as np
import pytest

from evaluation import evaluate, load_model
from evaluation.networks.inputs import PREPROCESSING, declared
from evaluation.networks.inspection import inspect_model
from tests.agreement import assert_agree

onnx = pytest.importorskip("onnx")
onnxruntime = pytest.importorskip("onnxruntime")

RANDOM = np.random.default_rng(0)
IMAGES = RANDOM.random((10, 8, 8, 3), np.float32)
KERNEL = RANDOM.normal(size=(4, 3, 3, 3)).astype(np.float32)
DENSE = RANDOM.normal(size=(4, 5)).astype(np.float32)


def saved(path, batch=None, kind=onnx.TensorProto.FLOAT, softmax=False):
    """A convolution, a global average and a product, as PyTorch would export them."""
    node, info = onnx.helper.make_node, onnx.helper.make_tensor_value_info
    nodes = [
        node("Cast", ["images"], ["numbers"], to=onnx.TensorProto.FLOAT),
        node("Conv", ["numbers", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
        node("Relu", ["maps"], ["active"]),
        node("GlobalAveragePool", ["active"], ["means"]),
        node("Flatten", ["means"], ["flat"]),
        node("MatMul", ["flat", "dense"], ["products" if softmax else "scores"]),
    ]
    if softmax:
        nodes.append(node("Softmax", ["products"], ["scores"]))
    graph = onnx.helper.make_graph(
        nodes,
        "net",
        [info("images", kind, [batch or "n", 3, 8, 8])],
        [info("scores", onnx.TensorProto.FLOAT, [batch or "n", 5])],
        [onnx.numpy_helper.from_array(*pair) for pair in ((KERNEL, "kernel"), (DENSE, "dense"))],
    )
    opset = [onnx.helper.make_opsetid("", 17)]
    onnx.save(onnx.helper.make_model(graph, opset_imports=opset, ir_version=9), path)
    return path


def theirs(path, images):
    return onnxruntime.InferenceSession(path).run(None, {"images": images.transpose(0, 3, 1, 2)})[0]


@pytest.mark.parametrize("batch", [None, 1, 4])
def test_a_file_answers_as_its_own_tool_does(tmp_path, batch):
    network = load_model(saved(tmp_path / "net.onnx", batch), preprocessing="unit")
    assert network.info.input_shape == (8, 8, 3)
    expected = theirs(saved(tmp_path / "any.onnx"), IMAGES)
    assert_agree(network.predict(IMAGES)["logits"], expected, dtype=np.float32)
    found = evaluate(network, (IMAGES, np.arange(10) % 5), "rotation").frame
    assert "invariance_score" in set(found["score"])


@pytest.mark.parametrize(
    "given", [*PREPROCESSING, {"mean": (0.4, 0.5, 0.6), "std": 0.25}, np.square], ids=str
)
def test_a_file_is_shown_what_is_declared(tmp_path, given):
    path = saved(tmp_path / "net.onnx")
    network = load_model(path, preprocessing=given)
    expected = theirs(path, np.asarray(declared(given).change(IMAGES), np.float32))
    found = network.predict(IMAGES)["logits"].numpy()
    np.testing.assert_array_equal(found.argmax(axis=-1), expected.argmax(axis=-1))
    assert_agree(found, expected, steps=3, dtype=np.float32)


def test_integers_are_bytes_and_probabilities_are_known(tmp_path, caplog):
    path = saved(tmp_path / "net.onnx", kind=onnx.TensorProto.UINT8, softmax=True)
    network = load_model(path)
    assert (network.info.preprocessing, network.info.settled) == ("bytes", "integers")
    assert "gives probabilities" in caplog.text
    expected = theirs(path, np.round(255 * IMAGES).astype(np.uint8))
    logits = np.asarray(network.predict(IMAGES)["logits"])
    assert_agree(np.exp(logits), expected, dtype=np.float32)


def test_what_is_no_file_of_onnx_is_one_line(tmp_path):
    (tmp_path / "bad.onnx").write_bytes(b"nothing")
    with pytest.raises(ValueError, match="expected a model in") as error:
        load_model(tmp_path / "bad.onnx")
    assert "\n" not in str(error.value)


def test_it_is_described(tmp_path):
    found = inspect_model(saved(tmp_path / "net.onnx"))
    assert (found["kind"], found["images"]) == ("ONNX file", "8×8, 3 channels")
