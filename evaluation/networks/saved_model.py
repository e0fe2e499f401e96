"""Reading a TensorFlow SavedModel: refused if its graph touches files, else its plain call."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

# A SavedModel is a program: these operations let it read or write files, open connections or call
# Python, when it is loaded or called. SaveV2 and RestoreV2, which handle its own variables in every
# SavedModel, are not here.
FORBIDDEN_OPERATIONS = frozenset(
    {
        *("ReadFile", "WriteFile", "MatchingFiles", "Save", "SaveSlices", "DumpTensor"),
        *("LoadAndRemapMatrix", "GenerateVocabRemapping", "RecordInput", "Skipgram"),
        *("CalibrationStatisticsSaver", "FileSystemSetConfiguration", "PrintV2"),
        *("PyFunc", "PyFuncStateless", "EagerPyFunc", "RpcServer", "RpcClient"),
        *("CreateSummaryFileWriter", "CreateSummaryDbWriter", "ImportEvent"),
        *("DebugIdentity", "DebugIdentityV2", "DebugIdentityV3"),
        *("DebugNanCount", "DebugNumericSummary"),
        *("SaveDataset", "SaveDatasetV2", "LoadDataset", "DistributedSave"),
        *("SnapshotDataset", "SnapshotDatasetV2", "SnapshotDatasetReader"),
        *("SnapshotChunkDataset", "ListSnapshotChunksDataset", "CacheDataset", "CacheDatasetV2"),
        *("DatasetToTFRecord", "ExperimentalDatasetToTFRecord"),
        *("MatchingFilesDataset", "ExperimentalMatchingFilesDataset", "TextLineDataset"),
        *("TFRecordDataset", "TFRecordDatasetV2", "FixedLengthRecordDataset"),
        *("FixedLengthRecordDatasetV2", "CSVDataset", "CSVDatasetV2", "ExperimentalCSVDataset"),
        *("LMDBDataset", "ExperimentalLMDBDataset", "SqlDataset", "ExperimentalSqlDataset"),
        *("DataServiceDataset", "DataServiceDatasetV2", "DataServiceDatasetV3"),
        *("DataServiceDatasetV4", "RegisterDataset", "RegisterDatasetV2"),
        *("WholeFileReader", "WholeFileReaderV2", "TextLineReader", "TextLineReaderV2"),
        *("TFRecordReader", "TFRecordReaderV2", "LMDBReader"),
        *("FixedLengthRecordReader", "FixedLengthRecordReaderV2"),
    }
)


def home_and_name(path: Path) -> tuple[Path, str]:
    """Find the SavedModel in a run or a directory, and what that is called.

    Raises:
        ValueError: If there is none.
    """
    home = path / "saved_model" if (path / "saved_model").is_dir() else path
    if not (home / "saved_model.pb").is_file():
        raise ValueError(
            f"expected a SavedModel directory or a run, there is no {home / 'saved_model.pb'}"
        )
    run = home.parent if home.name == "saved_model" else home
    return home, run.resolve().name


@dataclass(frozen=True)
class SavedModel:
    """What a SavedModel gives.

    Attributes:
        call: From a tensor to a tensor or a dictionary of tensors, by its serving signature.
        spec: What that takes.
        metadata: What the model says of itself; nothing if it is not of this zoo.
        layers: From a tensor to its feature maps by name, where it has a signature for them.
    """

    call: Callable[[Any], Any]
    spec: tf.TensorSpec
    metadata: Mapping[str, Any]
    layers: Callable[[Any], Any] | None = None


def load_saved_model(directory: Path) -> SavedModel:
    """Load a SavedModel, if its graph computes only.

    Args:
        directory: Where `saved_model.pb` lies.

    Raises:
        ValueError: If it cannot be read, contains a forbidden operation, or has no signature of
            one image input with floating outputs.
    """
    forbidden = sorted(_operations(directory) & FORBIDDEN_OPERATIONS)
    if forbidden:
        raise ValueError(
            f"expected a SavedModel that computes only, {directory} contains "
            f"{', '.join(forbidden)}, which touch files or run Python when loaded or called"
        )
    try:
        loaded = tf.saved_model.load(str(directory))
    except Exception as error:  # what a damaged file raises depends on where the damage is
        raise unreadable(directory, error) from error
    signatures = loaded.signatures
    key = "serving_default" if "serving_default" in signatures else next(iter(signatures), None)
    call, spec = _signature(loaded, key, directory)
    return SavedModel(
        call,
        spec,
        _metadata(signatures, directory),
        _signature(loaded, "layers", directory)[0] if "layers" in signatures else None,
    )


def _signature(
    loaded: Any, key: str | None, directory: Path
) -> tuple[Callable[[Any], Any], tf.TensorSpec]:
    """Return a signature of one tensor as a plain call, and what it takes."""
    arguments = loaded.signatures[key].structured_input_signature[1] if key else {}
    if len(arguments) != 1:
        raise ValueError(
            f"expected a signature of one image input in {directory}, received "
            f"{', '.join(arguments) or 'none'}"
        )
    argument, spec = next(iter(arguments.items()))
    given = loaded.signatures[key].structured_outputs
    # Names or numbers of classes may come beside the scores; they are no tensors to measure.
    names = [name for name, tensor in given.items() if tensor.dtype.is_floating]
    if not names:
        received = ", ".join(f"{name} ({tensor.dtype.name})" for name, tensor in given.items())
        raise ValueError(f"expected floating class scores from {directory}, received {received}")

    def call(images: Any) -> Any:
        # `loaded` owns the variables: the closure keeps it alive.
        found = loaded.signatures[key](**{argument: tf.cast(images, spec.dtype)})
        outputs = {name: found[name] for name in names}
        single = key != "layers" and len(outputs) == 1
        return next(iter(outputs.values())) if single else outputs

    return call, spec


def _metadata(signatures: Any, directory: Path) -> Mapping[str, Any]:
    """Read what a model says of itself, which may be anything."""
    if "metadata" not in signatures:
        return {}
    try:
        text = next(iter(signatures["metadata"]().values())).numpy()
        found = json.loads(text)
    except Exception as error:  # a signature of somebody else's, or no JSON
        raise unreadable(directory, error) from error
    if not isinstance(found, dict):
        raise ValueError(
            f"expected the metadata of {directory} as an object, received "
            f"{type(found).__name__}: export it again"
        )
    for name in ("task", "dataset", "architecture"):
        if not isinstance(found.get(name, ""), str):
            raise ValueError(
                f"expected {name} in the metadata of {directory} as a text, received "
                f"{type(found[name]).__name__}: export it again"
            )
    return found


def unreadable(path: Path, error: Exception) -> ValueError:
    """Say in one line that a model file is damaged or foreign, and how that showed."""
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return ValueError(
        f"expected a model in {path}, it cannot be read ({type(error).__name__}: {reason})"
    )


def _operations(directory: Path) -> set[str]:
    """List the kinds of operations in a SavedModel's graphs and functions, without loading it."""
    saved_model = saved_model_pb2.SavedModel()
    try:
        saved_model.ParseFromString((directory / "saved_model.pb").read_bytes())
    except Exception as error:  # protobuf's DecodeError, or an OSError
        raise unreadable(directory, error) from error
    graphs = [meta_graph.graph_def for meta_graph in saved_model.meta_graphs]
    nodes = [node for graph in graphs for node in graph.node]
    nodes += [
        node
        for graph in graphs
        for function in graph.library.function
        for node in function.node_def
    ]
    return {node.op for node in nodes}
