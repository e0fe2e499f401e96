"""Functions of a saved object that has no signatures, as signatures."""

from collections.abc import Callable, Mapping
from typing import Any

import tensorflow as tf


def functions_of(loaded: Any) -> dict[str, Callable[..., Any]]:
    """Return the functions of a loaded object that take one image tensor, by their names.

    Of a function that was traced several times, it is the trace for any number of images, and not
    for training. Its input and outputs have names, as those of a signature.

    Args:
        loaded: What `tf.saved_model.load` returned.
    """
    names = [name for name in vars(type(loaded)) if name == "__call__"] + sorted(vars(loaded))
    found = {}
    for name in names:
        traces = getattr(getattr(loaded, name, None), "concrete_functions", None) or ()
        fitting = sorted(
            (trace for trace in traces if len(_tensors(trace)) == 1),
            key=lambda trace: (_trains(trace), _tensors(trace)[0].shape[:1] != [None]),
        )
        if fitting:
            found[name] = _signature(fitting[0])
    return found


def _tensors(trace: Any) -> list[tf.TensorSpec]:
    given = tf.nest.flatten(trace.structured_input_signature)
    return [part for part in given if isinstance(part, tf.TensorSpec)]


def _trains(trace: Any) -> bool:
    return any(part is True for part in tf.nest.flatten(trace.structured_input_signature))


def _signature(trace: Any) -> Callable[..., Any]:
    """Return a trace as a function of a tensor by name, with outputs by name."""
    (spec,) = _tensors(trace)

    def call(**inputs: Any) -> Mapping[str, Any]:  # only by name, as a signature is called
        given = iter(inputs.values())
        positional, named = tf.nest.map_structure(
            lambda part: next(given) if isinstance(part, tf.TensorSpec) else part,
            trace.structured_input_signature,
        )
        outputs = trace(*positional, **named)
        if isinstance(outputs, Mapping):
            return outputs
        return {f"output_{k}": part for k, part in enumerate(tf.nest.flatten(outputs))}

    return tf.function(call).get_concrete_function(
        images=tf.TensorSpec(spec.shape, spec.dtype, name="images")
    )
