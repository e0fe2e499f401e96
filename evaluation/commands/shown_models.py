"""Options for what models take, and for reading models that say it in their own way."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evaluation.tasks import Task
from zoo.support.plain import plain
from zoo.support.plugins import import_plugins
from zoo.support.references import referred


@dataclass(frozen=True)
class ShownModels:
    """The options for models."""

    preprocessing: str | None = None
    """What the models take: unit (pixels in [0, 1]), bytes ([0, 255]), tf ([-1, 1]), torch
    (normalised as for ImageNet), caffe (the same of bytes with blue first), standardize (in each
    image), or module:function of your own; by default what a model says of itself or its first
    layers show, else what its accuracy tells."""
    mean: tuple[float, ...] = ()
    """Mean of pixels in [0, 1], one number or one per channel, that is subtracted; with --std."""
    std: tuple[float, ...] = ()
    """Their standard deviation, by which they are divided; with --mean."""
    task: Task | None = None
    """What the models are for; by default what they say of themselves or their outputs show.
    Vectors are class scores unless it is said that they are labels, points or an embedding, and
    maps are class scores of pixels unless it is said that they are numbers (regression)."""
    input_shape: tuple[int, int, int] | None = None
    """Height, width and channels of the images that functions of your own (module:name) take."""
    output: str | None = None
    """The name of the output to measure, of several."""
    background: bool | None = None
    """Whether the first class of segmenters is the background, which does not count; by default it
    is, and that is said."""
    coordinates: Literal["xy", "yx", "corner_size", "centre_size"] | None = None
    """The coordinates of points and boxes that models give: of corners, x first (by default) or y
    first, or the corner or centre of a box and its width and height."""
    first_class: int | None = None
    """The number of the first class of detectors of many objects; by default 0, or 1 where their
    outputs have the names of TensorFlow's detectors."""
    shares: bool | None = None
    """Whether points and boxes are shares of the frame instead of pixels; by default that is seen,
    and said."""
    signature: str | None = None
    """The signature of SavedModels to call; by default serving_default."""
    fixed_input: tuple[str, ...] = ()
    """Values of all inputs but the images, each as name=file.npy."""
    plugin: tuple[str, ...] = ()
    """Modules of your own, or paths of .py files, to import first: they register Keras layers.
    Those of installed packages with an entry point in the group invariance_zoo need not be named.
    """
    trust: bool = False
    """Load SavedModels whatever operations they contain, and Keras layers of saved code: only such
    as you trust, since they may access files and run other programs."""


def reading(chosen: ShownModels) -> dict[str, Any]:
    """Return the arguments of `load_model` for the chosen options, after importing plug-ins.

    Raises:
        ValueError: If `--mean` or `--std` is given alone or with `--preprocessing`, or a module or
            file cannot be read.
    """
    import_plugins(chosen.plugin)
    preprocessing = None if chosen.preprocessing is None else referred(chosen.preprocessing)
    if chosen.mean or chosen.std:
        if chosen.preprocessing or not (chosen.mean and chosen.std):
            raise ValueError("expected --mean and --std together, or --preprocessing alone")
        preprocessing = {"mean": chosen.mean, "std": chosen.std}
    return {
        "preprocessing": preprocessing,
        "task": chosen.task,
        "input_shape": chosen.input_shape,
        "output": chosen.output,
        "background": chosen.background,
        "coordinates": chosen.coordinates,
        "first_class": chosen.first_class,
        "shares": chosen.shares,
        "trust": chosen.trust,
        "signature": chosen.signature,
        "fixed_inputs": dict(map(_fixed, chosen.fixed_input)),
    }


def _fixed(text: str) -> tuple[str, Any]:
    import numpy as np

    name, equals, path = text.partition("=")
    if not equals or not Path(path).is_file():
        raise ValueError(
            f"expected --fixed-input as name=file.npy of an existing file, received {plain(text)}"
        )
    try:
        return name, np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as error:
        raise ValueError(f"expected an array in {plain(path)}, it cannot be read") from error
