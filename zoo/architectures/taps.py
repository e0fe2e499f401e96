"""The names of the layers whose outputs are the feature maps of every architecture."""

import keras


def is_tap(name: str) -> bool:
    """Return whether a layer's name is a tap: `stem`, `stage1` …, `pre_logits` or `logits`."""
    stage = name.removeprefix("stage")
    return name in ("stem", "pre_logits", "logits") or (stage != name and stage.isdigit())


def feature_maps(model: keras.Model) -> dict[str, keras.KerasTensor]:
    """Return the outputs of a functional model's layers that are of interest, by name of layer.

    They are the taps; of a model that has none but perhaps `logits`, which many networks have,
    every layer with one float map `(N, h, w, c)` or vector `(N, K)`.

    Example:
        >>> import zoo
        >>> from zoo.architectures.taps import feature_maps
        >>> list(feature_maps(zoo.create("mlp", (8, 8, 1), 3)))
        ['stem', 'stage1', 'pre_logits', 'logits']
    """
    found = {layer.name: layer.output for layer in model.layers if _is_map(layer)}
    taps = {name: output for name, output in found.items() if is_tap(name)}
    return taps if set(taps) - {"logits"} else found


def _is_map(layer: keras.Layer) -> bool:
    if isinstance(layer, keras.Model | keras.layers.InputLayer):
        return False
    try:
        output = layer.output
    except (AttributeError, ValueError):  # called more than once, or never
        return False
    return (
        isinstance(output, keras.KerasTensor)
        and len(output.shape) in (2, 4)
        and keras.backend.is_float_dtype(output.dtype)
        and bool(output.shape[-1])
    )
