"""Reading of TensorFlow SavedModels; those whose graphs access files or run Python are refused."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tensorflow as tf
from tensorflow.core.protobuf import saved_model_pb2

# A SavedModel is a program: with these operations it can read or write files, open connections or
# call Python when it is loaded or called. SaveV2 and RestoreV2 are allowed: every SavedModel uses
# them for its own variables.
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
    """Find the SavedModel in a run or directory.

    Returns:
        The directory of `saved_model.pb`, and the name of the run or directory.

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
    """A loaded SavedModel.

    Attributes:
        call: The serving signature: maps a tensor to a tensor or a dictionary of tensors.
        spec: The shape and type of what `call` takes.
        metadata: The metadata saved with the model; empty if it was not exported by this project.
        layers: Maps a tensor to the feature maps by name; None without such a signature.
    """

    call: Callable[[Any], Any]
    spec: tf.TensorSpec
    metadata: Mapping[str, Any]
    layers: Callable[[Any], Any] | None = None


def load_saved_model(directory: Path) -> SavedModel:
    """Load a SavedModel, unless its graph does more than compute.

    Args:
        directory: The directory that contains `saved_model.pb`.

    Raises:
        ValueError: If it cannot be read, contains a forbidden operation, or has no signature with
            one image input and floating-point outputs.
    """
    forbidden = sorted(_operations(directory) & FORBIDDEN_OPERATIONS)
    if forbidden:
        raise ValueError(
            f"expected a SavedModel that only computes, {directory} contains "
            f"{', '.join(forbidden)}, which access files or run Python when loaded or called"
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
    """Return a signature with one input as a plain call, and the spec of its input."""
    arguments = loaded.signatures[key].structured_input_signature[1] if key else {}
    if len(arguments) != 1:
        raise ValueError(
            f"expected a signature with one image input in {directory}, received "
            f"{', '.join(arguments) or 'none'}"
        )
    argument, spec = next(iter(arguments.items()))
    given = loaded.signatures[key].structured_outputs
    # A signature may also return class names or numbers, which cannot be measured.
    names = [name for name, tensor in given.items() if tensor.dtype.is_floating]
    if not names:
        received = ", ".join(f"{name} ({tensor.dtype.name})" for name, tensor in given.items())
        raise ValueError(
            f"expected floating-point class scores from {directory}, received {received}"
        )

    def call(images: Any) -> Any:
        # `loaded` owns the variables: the closure keeps it alive.
        found = loaded.signatures[key](**{argument: tf.cast(images, spec.dtype)})
        outputs = {name: found[name] for name in names}
        single = key != "layers" and len(outputs) == 1
        return next(iter(outputs.values())) if single else outputs

    return call, spec


def _metadata(signatures: Any, directory: Path) -> Mapping[str, Any]:
    """Return a model's own metadata, which may be anything and is checked."""
    if "metadata" not in signatures:
        return {}
    try:
        text = next(iter(signatures["metadata"]().values())).numpy()
        found = json.loads(text)
    except Exception as error:  # a signature with another meaning, or no JSON
        raise unreadable(directory, error) from error
    if not isinstance(found, dict):
        raise ValueError(
            f"expected the metadata of {directory} as a JSON object, received "
            f"{type(found).__name__}: export it again"
        )
    for name in ("task", "dataset", "architecture"):
        if not isinstance(found.get(name, ""), str):
            raise ValueError(
                f"expected {name} in the metadata of {directory} as text, received "
                f"{type(found[name]).__name__}: export it again"
            )
    return found


def unreadable(path: Path, error: Exception) -> ValueError:
    """Return a one-line error for a model file that is damaged or of another kind."""
    reason = (str(error).strip().splitlines() or [""])[0][:200]
    return ValueError(
        f"expected a model in {path}, it cannot be read ({type(error).__name__}: {reason})"
    )


def _operations(directory: Path) -> set[str]:
    """Return the types of all operations in a SavedModel, without loading it."""
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
