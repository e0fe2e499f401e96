"""What is no model, or no safe one, is refused in one line that says why."""

import keras
import pytest
import tensorflow as tf
from keras import layers
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel
from tensorflow.python.framework import op_def_registry

from evaluation import load_model
from evaluation.networks.formats.operations import ALLOWED, CHECKPOINT
from evaluation.networks.taps import load_taps
from tests.evaluation.made import as_export, as_h5_file, as_keras_file
from training.runs import artifacts

SHAPE = (8, 10, 3)


def classifier():
    return keras.Sequential(
        [keras.Input(SHAPE), layers.Flatten(), layers.Dense(3, name="logits")], name="net"
    )


def refused(source, message, error=ValueError):
    with pytest.raises(error, match=message) as caught:
        load_model(source)
    assert "\n" not in str(caught.value)


def test_where_there_is_no_model_it_says_so(tmp_path):
    refused(tmp_path / "gone.keras", "there is nothing", FileNotFoundError)
    (tmp_path / "notes.txt").write_text("hello")
    refused(
        tmp_path / "notes.txt",
        r"expected a \.keras, \.h5, \.tflite or \.onnx file, .* received .*notes\.txt",
    )
    (tmp_path / "foreign.keras").write_text("hello")
    refused(tmp_path / "foreign.keras", r"foreign\.keras, it cannot be read")
    (tmp_path / "empty").mkdir()
    refused(tmp_path / "empty", r"there is no .*empty.saved_model\.pb")


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A network saved in several ways: where, and the content of each file."""
    result = {}
    for way in (as_keras_file, as_h5_file, as_export):
        source = way(classifier(), tmp_path_factory.mktemp("saved"))
        files = [p for p in source.rglob("*") if p.is_file()] or [source]
        result[way] = source, {str(p.relative_to(source)): p.read_bytes() for p in files}
    return result


@pytest.mark.parametrize("part", [0, 0.1, 0.5, 0.99])
@pytest.mark.parametrize(
    ("way", "file"),
    [
        (as_keras_file, "."),
        (as_h5_file, "."),
        (as_export, "saved_model.pb"),
        (as_export, "variables/variables.index"),
        (as_export, "variables/variables.data-00000-of-00001"),
    ],
)
def test_truncated_files_are_refused(saved, way, file, part, tmp_path):
    source, files = saved[way]
    copy = tmp_path / source.name
    for path, content in files.items():
        target = copy / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content[: int(part * len(content))] if path == file else content)
    refused(copy, "it cannot be read")


def test_networks_of_other_forms_are_refused(tmp_path):
    inputs, other = keras.Input(SHAPE), keras.Input(SHAPE)
    flat = layers.Flatten()(inputs)
    rows = keras.Model(inputs, layers.Reshape((8, 30))(inputs), name="rows")
    refused(rows, r"expected an output \(N, K\), .* rows gives logits \(None, 8, 30\)")
    pair = keras.Model(inputs, [layers.Dense(2)(flat), layers.Dense(4)(flat)], name="pair")
    refused(pair, r"pair gives output 0 \(None, 2\), output 1 \(None, 4\)")
    both = keras.Model([inputs, other], layers.Dense(2)(layers.Flatten()(inputs + other)))
    refused(
        both, r"expected a model with one image input .* \(None, 8, 10, 3\) and .* \(None, 8, 10"
    )
    refused(
        as_export(both, tmp_path),
        "expected a model with one image input .* give all but one as fixed inputs",
    )
    vector = keras.Sequential([keras.Input((5,)), layers.Dense(2)])
    refused(vector, r"expected a model with one image input .* takes \(None, 5\)")
    vector.export(tmp_path / "vector", verbose=False)
    refused(tmp_path / "vector", r"expected a model with one image input .* takes \(None, 5\)")


def test_a_model_that_calls_itself_something_else_is_refused(tmp_path):
    inputs = keras.Input(SHAPE)
    logits = layers.Dense(3, name="logits")(layers.Flatten()(inputs))
    network = keras.Model(inputs, logits)
    artifacts.save(network, {"task": "segmentation"}, tmp_path)
    refused(tmp_path, r"an output for segmentation of .* received one for classification")


class Module(tf.Module):
    """A network that does something else besides."""

    def __init__(self, model, besides=tf.identity):
        super().__init__()
        self.model, self.besides = model, besides

    @tf.function(input_signature=[tf.TensorSpec((None, *SHAPE), tf.float32)])
    def __call__(self, x):
        return self.besides(self.model(x))


class Writer(tf.saved_model.experimental.TrackableResource):
    """Writes a file as soon as a SavedModel that holds it is loaded."""

    def __init__(self, path):
        super().__init__()
        self.path = path

    def _create_resource(self):
        return tf.raw_ops.AnonymousIterator(output_types=[tf.int32], output_shapes=[()])

    def _initialize(self):
        tf.io.write_file(self.path, "loaded")


def test_a_saved_model_that_writes_files_is_refused_before_it_does(tmp_path):
    called, loaded = tmp_path / "called", tmp_path / "loaded"

    def write(x):
        tf.io.write_file(str(called), "called")
        return x

    tf.saved_model.save(Module(classifier(), write), str(tmp_path / "caller"))
    module = Module(classifier())
    module.writer = Writer(str(loaded))
    tf.saved_model.save(module, str(tmp_path / "loader"))
    for path in (called, loaded):
        path.unlink(missing_ok=True)
    for name in ("caller", "loader"):
        refused(tmp_path / name, f"only computes, .*{name} contains .*WriteFile, which may access")
    assert not called.exists()
    assert not loaded.exists()

    # Without the refusal both would have been written.
    tf.saved_model.load(str(tmp_path / "loader"))
    assert loaded.exists()
    program = tf.saved_model.load(str(tmp_path / "caller"))
    program(tf.zeros((1, *SHAPE)))
    assert called.exists()


@pytest.mark.parametrize("place", ["graph", "function"])
@pytest.mark.parametrize(
    "operation",
    ["ReadFile", "SaveDatasetV2", "DatasetToTFRecord", "PyFunc", "XlaCallModule", "NotKnown"],
)
def test_what_touches_files_is_found_wherever_it_is(operation, place, tmp_path):
    program = SavedModel()
    graph = program.meta_graphs.add().graph_def
    nodes = graph.node if place == "graph" else graph.library.function.add().node_def
    nodes.add(op="Add")
    nodes.add(op=operation)
    (tmp_path / "saved_model.pb").write_bytes(program.SerializeToString())
    refused(tmp_path, f"contains {operation}, which may access files")


def test_what_is_allowed_exists_and_is_not_what_files_are_read_by():
    known = {name for name in ALLOWED | CHECKPOINT if op_def_registry.get(name) is not None}
    assert known == ALLOWED | CHECKPOINT
    words = "File Dataset Py Print Save Restore Rpc Host Summary Debug Decode Abort Queue Reader"
    assert not [name for name in ALLOWED for word in words.split() if word in name]


class Exported(tf.Module):
    """A SavedModel with a serving signature and metadata of one's own."""

    def __init__(self, outputs, metadata=None):
        super().__init__()
        spec = tf.TensorSpec((None, 8, 8, 3), tf.float32)
        self.kept = {"serving_default": tf.function(outputs, input_signature=[spec])}
        if metadata is not None:
            described = tf.function(lambda: {"metadata": tf.constant(metadata)}, input_signature=[])
            self.kept["metadata"] = described

    def saved(self, path):
        signatures = {name: f.get_concrete_function() for name, f in self.kept.items()}
        tf.saved_model.save(self, str(path), signatures)
        return path


def scores(images):
    return tf.reduce_mean(images, (1, 2))


def test_names_of_classes_beside_the_scores_are_left_out(tmp_path):
    def both(images):
        names = tf.gather(tf.constant(["a", "b", "c"]), tf.argmax(scores(images), -1))
        return {"scores": scores(images), "classes": names}

    path = Exported(both).saved(tmp_path / "named")
    assert (load_model(path).info.task, load_model(path).info.num_classes) == ("classification", 3)
    assert load_taps(path).names


@pytest.mark.parametrize("load", [load_model, load_taps])
def test_a_network_that_gives_names_alone_is_refused_in_one_line(load, tmp_path):
    def names(images):
        return {"classes": tf.as_string(tf.argmax(scores(images), -1))}

    path = Exported(names).saved(tmp_path / "named")
    with pytest.raises(
        ValueError, match=r"floating-point class scores from .*named, .* \(string\)"
    ) as e:
        load(path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize(
    ("metadata", "message"),
    [
        ("[1, 2]", "as a JSON object, received list"),
        ('"[red]text"', "as a JSON object, received str"),
        ("{", "cannot be read"),
        ('{"task": {"nested": 1}}', "expected task in the metadata of .* as text, received dict"),
        ('{"dataset": ["mnist"]}', "expected dataset in the metadata of .* as text, received list"),
    ],
)
def test_metadata_that_says_nothing_is_refused_in_one_line(metadata, message, tmp_path):
    path = Exported(lambda x: {"scores": scores(x)}, metadata).saved(tmp_path / "net")
    with pytest.raises(ValueError, match=message) as error:
        load_model(path)
    assert "\n" not in str(error.value)
    assert str(path) in str(error.value)


def test_metadata_may_be_nested_where_nothing_reads_it(tmp_path):
    path = Exported(lambda x: {"scores": scores(x)}, '{"mine": {"a": [1]}}').saved(tmp_path / "net")
    assert load_model(path).info.metadata == {"mine": {"a": [1]}}


@pytest.mark.parametrize("name", ["a\nb", "\x1b[31mred", "tab\there"])
def test_a_name_from_outside_is_plain_text(name, tmp_path):
    path = Exported(lambda x: {"scores": scores(x)}).saved(tmp_path / "net")
    assert load_model(path, name=name).name.isprintable()
