"""Reading of ONNX files by ONNX Runtime, which the extra `onnx` installs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from evaluation.networks.feeding import are_channels_first, by_groups, image_input
from evaluation.networks.formats.saved_model import unreadable

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
        call: Maps float32 images `(N, H, W, C)` to arrays by name.
        shape: `(N, H, W, C)` of its images; None where it is open.
        integers: The type of what it takes if that are integers, else empty.
    """

    call: Callable[[Any], Mapping[str, np.ndarray]]
    shape: tuple[int | None, ...]
    integers: str


def load_onnx(path: Path, fixed: Mapping[str, Any]) -> Onnx:
    """Load an ONNX file; images are given with channels first where it takes them so.

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
    first = are_channels_first(shape[1:])

    def call(images: Any) -> dict[str, np.ndarray]:
        images = np.asarray(images, np.float32)
        given = images.transpose(0, 3, 1, 2) if first else images
        given = given if np.issubdtype(kind, np.floating) else np.round(given)
        feed = {name: np.ascontiguousarray(given.astype(kind))}
        for key, value in others.items():
            repeated = np.repeat(value, len(images), axis=0)
            feed[key] = repeated.astype(inputs[key].dtype.as_numpy_dtype)
        return dict(zip(outputs, session.run(None, feed), strict=True))

    if first:
        shape = (shape[0], shape[2], shape[3], shape[1])
    return Onnx(
        call if shape[0] is None else by_groups(call, shape[0]),
        shape,
        "" if np.issubdtype(kind, np.floating) else np.dtype(kind).name,
    )
