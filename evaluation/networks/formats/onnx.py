"""Reading of ONNX files by ONNX Runtime, which the extra `onnx` installs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import image_input
from evaluation.networks.formats.saved_model import unreadable
from evaluation.networks.outputs.class_names import in_onnx

_TYPES = {
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(double)": "float64",
    "tensor(uint8)": "uint8",
    "tensor(int8)": "int8",
    "tensor(int32)": "int32",
    "tensor(int64)": "int64",
}


@dataclass(frozen=True)
class Onnx:
    """A loaded file.

    Attributes:
        call: Maps float32 images, as many as `shape` says or any number, to arrays by name.
        shape: The shape of its images, in its own layout; None where it is open.
        integers: The type of what it takes if that are integers, else empty.
        class_names: The names of its classes; empty if they are not in the file.
    """

    call: Callable[[Any], Mapping[str, np.ndarray]]
    shape: tuple[int | None, ...]
    integers: str
    class_names: list[str]


def load_onnx(path: Path, fixed: Mapping[str, Any]) -> Onnx:
    """Load an ONNX file.

    Args:
        path: The file.
        fixed: Values of all inputs but the images, by name.

    Raises:
        ValueError: If ONNX Runtime is not installed, the file cannot be read, or it does not have
            one image input.
    """
    try:
        import onnxruntime
    except ImportError as error:
        raise ValueError(
            f'expected ONNX Runtime to read {path}: pip install "invariance-zoo[onnx]"'
        ) from error
    try:
        session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no common class
        raise unreadable(path, error) from error
    inputs = {
        one.name: tf.TensorSpec(
            [n if isinstance(n, int) else None for n in one.shape], _TYPES.get(one.type, "float32")
        )
        for one in session.get_inputs()
    }
    name, others = image_input(str(path), inputs, fixed)
    shape, kind = tuple(inputs[name].shape), inputs[name].dtype.as_numpy_dtype
    outputs = [one.name for one in session.get_outputs()]

    def call(images: Any) -> dict[str, np.ndarray]:
        images = np.asarray(images, np.float32)
        given = images if np.issubdtype(kind, np.floating) else np.round(images)
        feed = {name: given.astype(kind)}
        for key, value in others.items():
            repeated = np.repeat(value, len(images), axis=0)
            feed[key] = repeated.astype(inputs[key].dtype.as_numpy_dtype)
        return dict(zip(outputs, session.run(None, feed), strict=True))

    names = in_onnx(session.get_modelmeta().custom_metadata_map)
    return Onnx(call, shape, "" if np.issubdtype(kind, np.floating) else np.dtype(kind).name, names)
