"""A functional model as a few blocks of layers, grouped by tap, and what flows between them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import keras

from zoo.architectures.taps import is_tap


@dataclass
class Block:
    """Layers that are drawn as one box.

    Attributes:
        name: Name of the block: `stem`, `stage1` …
        layers: Each kind of layer in a few words and the number of such layers, in order.
        shape: Output shape, without the batch, of the layer called `name`, or else of the last.
        sources: Names of the blocks that it reads.
        joins: Whether paths split and join again within the block.
    """

    name: str
    layers: Counter[str] = field(default_factory=Counter)
    shape: tuple[int | None, ...] = ()
    sources: set[str] = field(default_factory=set)
    joins: bool = False


def blocks(model: keras.Model) -> dict[str, Block]:
    """Group the layers of a functional model by the beginning of their names.

    `stage1_pool` and `stage1` belong to block `stage1`; operations that are not layers belong to
    the block that they read. A block that would have to come before and after another is split.

    Args:
        model: A functional model.

    Returns:
        Its blocks by name, each after those that it reads.
    """
    found: dict[str, Block] = {}
    home: dict[str, str] = {}
    layers = {layer.name: layer for layer in model.layers}
    for layer in model.get_config()["layers"]:
        sources = list(dict.fromkeys(_sources(layer.get("inbound_nodes", []))))
        operation = layers.get(layer["name"])  # None for a plain operation, which is not a layer
        reads = {home[source] for source in sources}
        prefix = _prefix(layer["name"]) if operation is not None else home[sources[0]]
        name = _free(prefix, reads, found)
        block = found.setdefault(name, Block(name))
        block.sources |= reads - {name}
        words = _in_words(layer)
        if words:
            block.layers[words] += 1
        block.joins |= reads == {name} and len(sources) > 1
        if operation is not None and prefix not in home:
            block.shape = tuple(_first(operation.output).shape[1:])
        home[layer["name"]] = name
    return found


def _first(output: Any) -> Any:
    return keras.tree.flatten(output)[0]


def _sources(nodes: Any) -> Iterator[str]:
    """Yield the names of the layers whose tensors occur in a layer's serialised calls."""
    if isinstance(nodes, Mapping):
        if nodes.get("class_name") == "__keras_tensor__":
            yield nodes["config"]["keras_history"][0]
            return
        nodes = list(nodes.values())
    if isinstance(nodes, list | tuple):
        for node in nodes:
            yield from _sources(node)


def _prefix(name: str) -> str:
    """Return the tap that a layer's name begins with, or its first word."""
    words = name.split("_")
    for count in (2, 1):
        if is_tap("_".join(words[:count])):
            return "_".join(words[:count])
    return words[0]


def _free(prefix: str, reads: set[str], found: Mapping[str, Block]) -> str:
    """Return the name of the first block of a prefix that can read others without a cycle."""
    name, again = prefix, 1
    while name in found and any(name in _before(read, found) for read in reads if read != name):
        again += 1
        name = f"{prefix} ({again})"
    return name


def _before(name: str, found: Mapping[str, Block]) -> set[str]:
    """Return all blocks that a block reads, directly or indirectly."""
    direct = found[name].sources
    return direct.union(*(_before(source, found) for source in direct))


def _in_words(layer: Mapping[str, Any]) -> str:
    """Describe a layer in a few words, or in none if it is not worth showing."""
    kind, config = layer["class_name"], layer["config"]
    if kind in ("InputLayer", "Dropout", "SpatialDropout2D") or kind.endswith("Padding2D"):
        return ""
    if kind == "Activation":
        return "" if config["activation"] == "linear" else str(config["activation"])
    if kind == "BatchNormalization":
        return "batch norm"
    words = _spaced(kind)
    window = _number(config.get("kernel_size") or config.get("pool_size") or config.get("size"))
    if window:
        words += f" {window}×{window}"
    dilation, step = (_number(config.get(key)) for key in ("dilation_rate", "strides"))
    if dilation and dilation > 1:
        words += f", dilated {dilation}"
    if step and step != (_number(config.get("pool_size")) or 1):
        words += f", step {step}"
    return words


def _number(value: Any) -> int | None:
    """Return the whole number that all entries of a size share, or None."""
    numbers = set(keras.tree.flatten(value))
    only = numbers.pop() if len(numbers) == 1 else None
    return only if isinstance(only, int) else None


def _spaced(kind: str) -> str:
    """Write `GlobalAveragePooling2D` as global average pooling."""
    words = "".join(f" {c.lower()}" if c.isupper() else c for c in kind.replace("2D", ""))
    return " ".join({"conv": "convolution"}.get(word, word) for word in words.split())
