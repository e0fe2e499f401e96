"""Functions and Keras layers of one's own as transformations."""

import hashlib
import inspect
import json
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from types import FunctionType
from typing import Any

import keras
import numpy as np
from keras import ops

from zoo.transformations.specification import function_fingerprint
from zoo.transformations.transformation import Transformation


@dataclass(frozen=True)
class Own(Transformation):
    """What a function or a layer of one's own does to images; masks and boxes stay as they are.

    What moves pixels, and masks with them, is a family of its own: a subclass of `Geometric` that
    writes its matrix.

    Attributes:
        function: From float32 images `(N, H, W, C)` in `[0, 1]`, and the strength if it takes two
            arguments, to images of the same shape. They are clipped to `[0, 1]`.
        unit: What a strength counts.
        identity: The strength that changes nothing; the function is not called with it.

    Example:
        >>> from zoo.transformations import Own
        >>> invert = Own("invert", (0, 1), function=lambda images: 1 - images)
        >>> invert.spec()["name"], invert.geometric
        ('invert', False)
    """

    boundary: str = "none"
    function: Callable[..., Any] = field(default=lambda images: images, compare=False, repr=False)
    unit: str = "applied"
    identity: int = 0

    geometric = False
    boundaries = ("none",)
    minimum = -(10**9)
    maximum = 10**9

    def images(self, images: Any, strength: Any) -> Any:
        """Apply the function, but for the identity.

        Raises:
            ValueError: If it does not give images of the same shape.
        """
        if strength == self.identity:
            return images
        given = (images, strength) if _takes_strength(self.function) else (images,)
        # Layers that augment do nothing unless they are called as in training.
        trains = {"training": True} if _is_told_of_training(self.function) else {}
        found = self.function(*given, **trains)
        found = ops.cast(ops.convert_to_tensor(found), "float32")
        if tuple(found.shape) != tuple(images.shape):
            raise ValueError(
                f"expected {self.name} to give images of shape {tuple(images.shape)}, received "
                f"{tuple(found.shape)}"
            )
        return ops.clip(found, 0.0, 1.0)

    def masks(self, masks: Any, strength: Any) -> Any:
        """Return the masks untouched."""
        return masks

    def boxes(self, boxes: Any, strength: Any, size: tuple[int, int]) -> Any:
        """Return the boxes untouched."""
        return boxes

    def spec(self) -> dict[str, Any]:
        """Return the fields and a fingerprint of the function, its code and what it closes over."""
        return {**super().spec(), "function": _fingerprint(self.function)}


def own(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    strengths: Iterable[int] | None = None,
    unit: str = "applied",
    identity: int = 0,
) -> Own:
    """Make a transformation of a function or a Keras layer.

    Args:
        function: From float32 images `(N, H, W, C)` in `[0, 1]` to images of the same shape; it may
            take the strength as a second argument. Layers that augment are called as in training,
            and draw anew for each batch.
        name: What to call it; by default the function's or the layer's own name.
        strengths: The grid. Without one a function of images alone is applied (1) or not (0).
        unit: What a strength counts.
        identity: The strength that changes nothing.

    Raises:
        TypeError: If it is no function of images.
        ValueError: If it takes a strength and there is no grid.

    Example:
        >>> from zoo.transformations.own import own
        >>> import numpy as np
        >>> def dimmed(images, strength):
        ...     return images * (1 - strength / 100)
        >>> dim = own(dimmed, strengths=(0, 50), unit="percent")
        >>> np.asarray(dim.images(np.ones((1, 1, 1, 1), np.float32), 50)).item()
        0.5
    """
    if not callable(function) or isinstance(function, type):
        raise TypeError(f"expected a function or a layer, received {function!r}")
    called = name or getattr(function, "name", None) or getattr(function, "__name__", None)
    called = called or type(function).__name__
    if strengths is None:
        if _takes_strength(function):
            raise ValueError(
                f"expected a grid for {called}, which takes a strength: "
                "zoo.transformations.own(function, strengths=(…))"
            )
        strengths = (0, 1)
    return Own(called, tuple(strengths), function=function, unit=unit, identity=identity)


def _is_told_of_training(function: Callable[..., Any]) -> bool:
    """Whether a layer does something else in training."""
    return (
        isinstance(function, keras.Layer)
        and "training" in inspect.signature(function.call).parameters
    )


def _takes_strength(function: Callable[..., Any]) -> bool:
    """Whether a function takes a second argument that has no default."""
    if isinstance(function, keras.Layer):
        return False
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):  # some that are written in C do not say
        return False
    needed = [
        p
        for p in parameters
        if p.default is p.empty and p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)
    ]
    return len(needed) > 1


def _fingerprint(function: Callable[..., Any]) -> str:
    """Return what changes with what a function or a layer does.

    Of what cannot be looked into it is a new one each time, so that no stored answer is taken for
    one of it.
    """
    digest = hashlib.sha256()
    if isinstance(function, keras.Layer):
        digest.update(json.dumps(function.get_config(), sort_keys=True, default=repr).encode())
        digest.update(type(function).__qualname__.encode())
        for weight in function.get_weights():
            digest.update(np.ascontiguousarray(weight).tobytes())
        return digest.hexdigest()[:16]
    if isinstance(function, FunctionType):
        return function_fingerprint(function) or secrets.token_hex(8)
    return secrets.token_hex(8)
