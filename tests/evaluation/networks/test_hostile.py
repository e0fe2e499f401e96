"""A SavedModel that may do more than compute is refused by name, before anything of it runs."""

from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from evaluation import load_model
from evaluation.networks.formats.operations import refused
from tests.agreement import assert_agree

SPEC = tf.TensorSpec((None, 8, 8, 3), tf.float32)
RAW = tf.raw_ops


def scores(images):
    return tf.reduce_mean(images, (1, 2))


class Module(tf.Module):
    """A network that does something else besides, when it is called."""

    def __init__(self, besides=lambda: None):
        super().__init__()
        self.besides, self.bias = besides, tf.Variable(0.0)

    @tf.function(input_signature=[SPEC])
    def __call__(self, images):
        self.besides()
        return scores(images) + self.bias


def saved(path, besides=lambda: None):
    module = Module(besides)
    tf.saved_model.save(module, str(path), signatures=module.__call__.get_concrete_function())
    return path


def program(path):
    found = SavedModel()
    found.ParseFromString((path / "saved_model.pb").read_bytes())
    return found


def written(found, path):
    (path / "saved_model.pb").write_bytes(found.SerializeToString())
    return path


def payloads(place):
    """What harms or tells, by the operation that does it; files would be in `place`."""
    file = str(place / "victim")
    return {
        "WriteFile": lambda: RAW.WriteFile(filename=file, contents="overwritten"),
        "SaveV2": lambda: RAW.SaveV2(
            prefix=file, tensor_names=["x"], shape_and_slices=[""], tensors=[tf.constant(1.0)]
        ),
        "MergeV2Checkpoints": lambda: RAW.MergeV2Checkpoints(
            checkpoint_prefixes=[file], destination_prefix=f"{file}-2", delete_old_dirs=True
        ),
        "RestoreV2": lambda: RAW.RestoreV2(
            prefix=file, tensor_names=["x"], shape_and_slices=[""], dtypes=[tf.float32]
        ),
        "Restore": lambda: RAW.Restore(file_pattern=file, tensor_name="x", dt=tf.float32),
        "RestoreSlice": lambda: RAW.RestoreSlice(
            file_pattern=file, tensor_name="x", shape_and_slice="", dt=tf.float32
        ),
        "ReadFile": lambda: RAW.ReadFile(filename=file),
        "MatchingFiles": lambda: RAW.MatchingFiles(pattern=f"{file}*"),
        "FixedUnigramCandidateSampler": lambda: RAW.FixedUnigramCandidateSampler(
            true_classes=tf.constant([[0]], tf.int64),
            **{"num_true": 1, "num_sampled": 1, "unique": True, "range_max": 2},
            vocab_file=file,
        ),
        "DatasetFromGraph": lambda: RAW.DatasetFromGraph(graph_def=b"a whole graph"),
        "ImmutableConst": lambda: RAW.ImmutableConst(
            dtype=tf.float32, shape=[1], memory_region_name=file
        ),
        "PrintV2": lambda: tf.print("\x1b]0;owned\x07"),
        "Print": lambda: RAW.Print(input=1.0, data=["\x1b]0;owned\x07"]),
        "Abort": lambda: RAW.Abort(error_msg="gone"),
        "EagerPyFunc": lambda: tf.py_function(lambda: (place / "victim").unlink(), [], []),
    }


@pytest.mark.parametrize("operation", payloads(Path("nowhere")))
def test_it_is_refused_by_name_and_nothing_of_it_runs(operation, tmp_path, capfd):
    victim = tmp_path / "victim"
    victim.write_text("untouched")
    path = saved(tmp_path / "net", payloads(tmp_path)[operation])
    capfd.readouterr()
    with pytest.raises(ValueError, match=f"net contains {operation}, which may access") as error:
        load_model(path)
    assert "\n" not in str(error.value)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net", "victim"]
    assert victim.read_text() == "untouched"
    assert "owned" not in "".join(capfd.readouterr())


def test_what_is_run_when_it_is_loaded_is_looked_at_too(tmp_path):
    class Table(tf.Module):
        def __init__(self, words):
            super().__init__()
            self.table = tf.lookup.StaticHashTable(
                tf.lookup.TextFileInitializer(
                    *(words, tf.string, tf.lookup.TextFileIndex.WHOLE_LINE),
                    *(tf.int64, tf.lookup.TextFileIndex.LINE_NUMBER),
                ),
                -1,
            )

        @tf.function(input_signature=[SPEC])
        def __call__(self, images):
            return scores(images) + tf.cast(self.table.lookup(tf.constant("a")), tf.float32)

    (tmp_path / "words").write_text("a\nb\n")
    module = Table(str(tmp_path / "words"))
    path = tmp_path / "net"
    tf.saved_model.save(module, str(path), signatures=module.__call__.get_concrete_function())
    with pytest.raises(ValueError, match="contains InitializeTableFromTextFileV2, which may"):
        load_model(path)


def test_what_saves_variables_may_only_be_called_by_what_saves_variables(tmp_path):
    path = saved(tmp_path / "net")
    assert refused(program(path)) == []
    functions = [f.signature.name for f in program(path).meta_graphs[0].graph_def.library.function]
    saving = next(name for name in functions if "traced_save" in name)

    found = program(path)  # the signature calls it
    meta = found.meta_graphs[0]
    node = next(n for n in meta.graph_def.node if n.name == "StatefulPartitionedCall")
    node.attr["f"].func.name = saving
    assert refused(found) == ["MergeV2Checkpoints", "SaveV2", "ShardedFilename"]

    found = program(path)  # it can be called as a function of the object
    found.meta_graphs[0].object_graph_def.concrete_functions[saving].SetInParent()
    assert "SaveV2" in refused(found)

    found = program(path)  # a function that is called calls it
    library = found.meta_graphs[0].graph_def.library.function
    other = next(f for f in library if f.signature.name != saving)
    other.node_def.add(op=saving, name="inner")
    assert "SaveV2" in refused(found)

    found = program(path)  # the signature's own call is said to be the saver's
    found.meta_graphs[0].saver_def.save_tensor_name = "StatefulPartitionedCall:0"
    function = next(f for f in library if "__call__" in f.signature.name).signature.name
    for f in found.meta_graphs[0].graph_def.library.function:
        if f.signature.name == function:
            f.node_def.add(op="SaveV2", name="inner")
    assert "SaveV2" in refused(found)


def of_the_first_version(path):
    """A SavedModel as TensorFlow 1 wrote it, whose graph restores its variables itself."""
    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        images = v1.placeholder(tf.float32, (None, 8, 8, 3), name="images")
        weights = v1.get_variable("weights", initializer=np.ones(3, np.float32))
        answers = tf.reduce_mean(images * weights, (1, 2))
        session.run(v1.global_variables_initializer())
        v1.saved_model.simple_save(session, str(path), {"images": images}, {"scores": answers})
    return path


def test_a_model_of_the_first_version_restores_only_its_own_variables(tmp_path):
    path = of_the_first_version(tmp_path / "net")
    images = np.random.default_rng(0).random((2, 8, 8, 3), np.float32)
    found = load_model(path).predict(tf.constant(images))["logits"]
    assert_agree(found, images.mean((1, 2)))

    other = program(path)  # it restores them from another file
    nodes = other.meta_graphs[0].graph_def.node
    name = nodes.add(op="Const", name="elsewhere").name
    next(node for node in nodes if node.op == "RestoreV2").input[0] = name
    assert refused(other) == ["RestoreV2"]

    other = program(path)  # its answer depends on what is restored
    graph = other.meta_graphs[0].graph_def
    restore = next(node for node in graph.node if node.op == "RestoreV2").name
    answer = other.meta_graphs[0].signature_def["serving_default"].outputs["scores"].name
    next(n for n in graph.node if n.name == answer.partition(":")[0]).input.append(f"^{restore}")
    assert refused(other) == ["RestoreV2"]


def saving_besides(path, victim, change):
    """A SavedModel of the first version in whose saver there is a SaveV2 of something else."""
    v1 = tf.compat.v1
    with tf.Graph().as_default() as graph, v1.Session() as session:
        images = v1.placeholder(tf.float32, (None, 8, 8, 3), name="images")
        weights = v1.get_variable("weights", initializer=np.ones(3, np.float32), use_resource=True)
        answers = tf.reduce_mean(images * weights, (1, 2))
        evil = RAW.SaveV2(
            **{"prefix": tf.constant(str(victim)), "tensor_names": ["x"]},
            **{"shape_and_slices": [""], "tensors": [tf.constant(1.0)]},
        )
        saver = v1.train.Saver()
        names = saver.as_saver_def()
        with graph.control_dependencies([evil, graph.get_operation_by_name(names.restore_op_name)]):
            tf.no_op(name="evil_restore")
        with graph.control_dependencies([evil]):
            tf.identity(graph.get_tensor_by_name(names.save_tensor_name), name="evil_save")
            tf.no_op(name="evil_init")
            tf.identity(tf.constant([1.0]), name="evil_values")
        session.run(v1.global_variables_initializer())
        builder = v1.saved_model.Builder(str(path))
        signature = v1.saved_model.predict_signature_def({"images": images}, {"scores": answers})
        builder.add_meta_graph_and_variables(
            session, ["serve"], {"serving_default": signature}, saver=saver
        )
        builder.save()
    found = program(path)
    change(found.meta_graphs[0])
    return written(found, path)


def restores(meta):
    meta.saver_def.restore_op_name = "evil_restore"


def initialises(meta):
    meta.saver_def.save_tensor_name = "evil_save:0"
    meta.collection_def["table_initializer"].node_list.value.append("evil_init")


def answers_sparsely(meta):
    meta.saver_def.save_tensor_name = "evil_save:0"
    sparse = meta.signature_def["serving_default"].outputs["sparse"].coo_sparse
    sparse.values_tensor_name = "evil_values:0"


@pytest.mark.parametrize("change", [restores, initialises, answers_sparsely])
def test_what_the_saver_may_do_nothing_that_is_run_may_do(change, tmp_path):
    """Loading runs what restores, and initialisers; a call computes every part of an answer."""
    victim = tmp_path / "victim"
    path = saving_besides(tmp_path / "net", victim, change)
    assert "SaveV2" in refused(program(path))
    with pytest.raises(ValueError, match="contains SaveV2, which may access"):
        load_model(path)
    assert not list(tmp_path.glob("victim*"))


def test_a_function_that_an_object_runs_when_it_is_loaded_is_not_the_savers(tmp_path):
    victim = tmp_path / "victim"

    @tf.function
    def evil():
        RAW.SaveV2(
            prefix=str(victim),
            tensor_names=["x"],
            shape_and_slices=[""],
            tensors=[tf.constant(1.0)],
        )

    class Table(Module):
        def __init__(self):
            super().__init__()
            values = tf.lookup.KeyValueTensorInitializer(["a"], [1.0])
            self.table = tf.lookup.StaticHashTable(values, -1.0)

    module, path = Table(), tmp_path / "net"
    tf.saved_model.save(module, str(path), signatures=module.__call__.get_concrete_function())
    found = program(path)
    assert refused(found) == []
    meta = found.meta_graphs[0]
    function = meta.graph_def.library.function.add()
    function.CopyFrom(evil.get_concrete_function().function_def)
    function.signature.name = "evil"
    call = meta.graph_def.node.add(name="evil_call", op="StatefulPartitionedCall")
    call.attr["f"].func.name = "evil"
    meta.saver_def.save_tensor_name = "evil_call"
    for node in meta.object_graph_def.nodes:
        for child in node.children:
            if child.local_name == "_initialize":
                target = meta.object_graph_def.nodes[child.node_id]
                target.bare_concrete_function.concrete_function_name = "evil"
    assert "SaveV2" in refused(found)
    with pytest.raises(ValueError, match="which may access"):
        load_model(written(found, path))
    assert not list(tmp_path.glob("victim*"))


def test_who_trusts_it_may_load_it(tmp_path):
    path = saved(tmp_path / "net", lambda: tf.print("hello"))
    network = load_model(path, trust=True)
    assert network.info.num_classes == 3


def test_an_ordinary_network_is_not_refused(tmp_path):
    build = tf.keras.applications.MobileNetV3Small
    build(input_shape=(32, 32, 3), weights=None, classes=4).export(tmp_path / "net", verbose=False)
    assert refused(program(tmp_path / "net")) == []
