"""Reading a TensorFlow SavedModel: refused if its graph touches files, else its plain call."""

import json
from collections.abc import Callable
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


def load_saved_model(directory: Path) -> tuple[Callable[[Any], Any], tf.TensorSpec, dict[str, Any]]:
    """Load a SavedModel's serving signature.

    Args:
        directory: Where `saved_model.pb` lies.

    Returns:
        The call from a tensor to a tensor or a dictionary of tensors; what it takes; and the
        metadata the model carries (empty for a model that is not of this zoo).

    Raises:
        ValueError: If it cannot be read, contains a forbidden operation, or has no signature of
            one image input.
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
    arguments = signatures[key].structured_input_signature[1] if key else {}
    if len(arguments) != 1:
        raise ValueError(
            f"expected a signature of one image input in {directory}, received "
            f"{', '.join(arguments) or 'none'}"
        )
    argument, spec = next(iter(arguments.items()))

    def call(images: Any) -> Any:
        # `loaded` owns the variables: the closure keeps it alive.
        outputs = loaded.signatures[key](**{argument: tf.cast(images, spec.dtype)})
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    metadata = {}
    if "metadata" in signatures:
        metadata = json.loads(next(iter(signatures["metadata"]().values())).numpy())
    return call, spec, metadata


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
