"""The layer profile: how each layer of a network answers to a moving image."""

import logging
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import tensorflow as tf

from evaluation.layerwise.lie_derivative import GENERATORS
from evaluation.layerwise.lie_errors import lie_errors
from evaluation.layerwise.stream import FeatureMap, Row, Stream, with_intervals
from evaluation.networks.taps import Taps, load_taps
from zoo.graphs.receptive_field import receptive_fields
from zoo.transformations import Transformation, named
from zoo.transformations.families.translation import Translation

COLUMNS = (
    *("model", "layer", "kind", "stride", "receptive_field", "transformation", "boundary"),
    *("quantity", "strength", "phase", "value", "low", "high", "n"),
)
TRANSLATIONS = ("translation_x", "translation_y")

_COMPARED = ("equivariance_error", "lie_derivative")
_LOG = logging.getLogger("evaluation")


def layer_profile(
    model: Any,
    images: np.ndarray,
    *,
    shifts: Iterable[int] = range(-8, 9),
    boundary: str = "circular",
    transformations: Any = TRANSLATIONS,
    lie: Sequence[str] = tuple(GENERATORS),
    batch_size: int = 128,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> pd.DataFrame:
    """Measure how every feature map φ of a network moves with its image.

    - `equivariance_error`: ‖φ(T_v x) − T_{v/s} φ(x)‖₂ ÷ ‖T_{v/s} φ(x) − its per-channel mean‖₂,
      averaged over images; 0 is exact, about √2 unrelated. If v is no multiple of the stride s,
      T_{v/s} interpolates between positions: by Fourier if the map is circular, else linearly. A
      map that is not circular is compared only at positions that see nothing but pixels of the
      image. A vector does not move, and is centred about its mean over images; nor does a map under
      another light. By other moves, such as rotation and scale, maps are moved about the centre of
      the frame, with an interpolation between positions (`layerwise.moving`), and compared where
      they see nothing but pixels of the image. Rows are for each `strength`, of a translation for
      each `phase` (all v ≠ 0 with v mod s = phase), and with neither (all strengths but the
      identity).
    - `normalized_variance`: the variance over strengths ÷ the variance over images (Quiroga et al.
      2020), each unbiased and averaged over the other, of every unit; the value is the median over
      units, because a few that hardly vary over images would dominate the mean. 1 means as much
      variance over strengths as over images. A unit of a map is a channel at a position.
    - `dead_units`: the share of units without variance over images, which have no such ratio.
    - `lie_derivative`: ‖L φ‖₂ ÷ ‖φ − its per-channel mean‖₂, averaged over images, per pixel,
      degree or percent (see `lie_derivative`): how fast the error begins to grow.

    Intervals are over images; those on which a map is constant do not count in `n`.

    Args:
        model: Anything that `load_taps` takes.
        images: `(N, H, W, C)` with N ≥ 2, floating-point in `[0, 1]` or uint8.
        shifts: Shifts in whole pixels, at least one of them not 0.
        boundary: What fills the frame: `circular`, `zero` or `reflect`; `zero` under what does not
            allow it.
        transformations: Names or instances of any transformations, of which an instance keeps its
            strengths and its boundary.
        lie: The keys of `GENERATORS` for which the Lie derivative is computed.
        batch_size: Images per forward pass; memory grows with it, not with N.
        progress: Called with the number of batches done and the total.

    Returns:
        A row per layer, transformation, quantity and strength or phase, with the columns of
        `COLUMNS`; NaN, with a notice, if a map's positions are unknown or none is valid.

    Raises:
        ValueError: If an argument does not fit; the message says what was expected.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import layer_profile
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.MaxPooling2D(2)])
        >>> images = np.random.default_rng(0).random((4, 8, 8, 1), np.float32)
        >>> found = layer_profile(model, images, shifts=[1, 2], lie=[])
        >>> errors = found.groupby("strength")["value"].mean()
        >>> bool(errors[1] > 0.1), float(errors[2])  # exact at multiples of the stride
        (True, 0.0)
    """
    grid = _checked(images, shifts, lie)
    if boundary not in ("circular", "zero", "reflect"):
        raise ValueError(
            f"expected a boundary among circular, zero, reflect, received {boundary!r}"
        )
    chosen = list(_chosen(transformations, grid, boundary, images.shape[1:]))
    if not chosen and not lie:
        raise ValueError("expected a transformation that applies to the images, received none")
    taps = load_taps(model, input_shape=tuple(images.shape[1:]))
    layers = _layers(taps, images)
    starts = range(0, len(images), batch_size)
    steps = iter(range(1, 3 * len(starts) + 1))

    def batches() -> Iterable[tuple[slice, Any]]:
        for start in starts:
            yield slice(start, start + batch_size), _batch(images, start, batch_size)
            progress(next(steps), 3 * len(starts))

    _average(taps, layers, batches())
    streams = {
        (layer.name, t.name): Stream(layer, t, len(images)) for layer in layers for t in chosen
    }
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for rows, batch in batches():
            _measure(taps, chosen, streams, rows, batch, pool)
    columns = [stream.errors_of_images() for stream in streams.values()]
    if lie:
        columns.append(lie_errors(taps, layers, lie, boundary, batches(), len(images)))
    found = with_intervals(  # all at once: the same resampled images serve all columns
        [place for places, _ in columns for place in places],
        np.concatenate([values for _, values in columns], axis=1),
    )
    found += [row for stream in streams.values() for row in stream.variances()]
    _notify(taps, layers, found)
    known = {layer.name: layer for layer in layers}
    for row in found:
        layer = known[row["layer"]]
        row.update(model=taps.name, **layer.description)
    frame = pd.DataFrame(found, columns=list(COLUMNS))
    return frame.astype({"strength": "Int64", "phase": "Int64"})


def _checked(images: np.ndarray, shifts: Iterable[int], lie: Sequence[str]) -> tuple[int, ...]:
    """Check the arguments of `layer_profile`, and return the sorted shifts with 0."""
    if images.ndim != 4 or len(images) < 2:
        raise ValueError(f"expected at least 2 images (N, H, W, C), received shape {images.shape}")
    for name in lie:
        if name not in GENERATORS:
            raise ValueError(
                f"expected transformations among {', '.join(GENERATORS)}, received {name!r}"
            )
    grid = tuple(sorted({0, *shifts}))
    if len(grid) < 2:
        raise ValueError("expected at least one shift that is not 0, received none")
    return grid


def _chosen(
    transformations: Any, shifts: tuple[int, ...], boundary: str, shape: tuple[int, ...]
) -> Iterator[Transformation]:
    """Yield the transformations that apply, with the shifts and the boundary of the profile."""
    if isinstance(transformations, str) or not isinstance(transformations, Iterable):
        transformations = [transformations]
    seen = set()
    for item in transformations:
        (one,) = named(item)
        if isinstance(item, str) and isinstance(one, Translation):
            one = replace(one, strengths=shifts)
        if isinstance(item, str) and one.geometric:
            one = replace(one, boundary=boundary if boundary in one.boundaries else "zero")
        if one.boundary == "crop":
            raise ValueError(
                f"expected a boundary among circular, zero, reflect, {one.name} crops: layers are "
                "profiled on whole frames"
            )
        if one.name in seen:
            raise ValueError(f"expected each transformation once, received {one.name} twice")
        seen.add(one.name)
        reason = one.inapplicable(shape)
        if reason and isinstance(one, Translation):
            raise ValueError(f"expected shifts that leave part of the image visible, {reason}")
        if reason:
            _LOG.warning("%s left out: %s", one.name, reason)
            continue
        if one.identity not in one.strengths:
            one = replace(one, strengths=tuple(sorted({one.identity, *one.strengths})))
        if len(one.strengths) < 2:
            raise ValueError(
                f"expected at least one strength of {one.name} besides the identity, received none"
            )
        yield one


def _batch(images: np.ndarray, start: int, size: int) -> Any:
    batch = images[start : start + size]
    return tf.constant(np.divide(batch, 255 if batch.dtype == np.uint8 else 1, dtype=np.float32))


def _layers(taps: Taps, images: np.ndarray) -> list[FeatureMap]:
    fields = receptive_fields(*taps.graph)
    first = taps.outputs(_batch(images, 0, 1))
    frame = images.shape[1:3]
    return [FeatureMap(name, tuple(first[name].shape), fields[name], frame) for name in taps.names]


def _average(taps: Taps, layers: list[FeatureMap], batches: Iterable[tuple[slice, Any]]) -> None:
    """Set the mean of each unit, about which sums of squares lose little to rounding."""
    totals: dict[str, Any] = dict.fromkeys(taps.names, 0.0)
    n = 0
    for _, batch in batches:
        for name, tensor in taps.outputs(batch).items():
            totals[name] = totals[name] + np.asarray(tensor).sum(0, dtype=np.float64)
        n += len(batch)
    for layer in layers:
        layer.mean = (totals[layer.name] / n).astype(np.float32).ravel()


def _measure(
    taps: Taps,
    transformations: list[Transformation],
    streams: dict[tuple[str, str], Stream],
    rows: slice,
    batch: Any,
    pool: ThreadPoolExecutor,
) -> None:
    """Run the network on one batch at every strength, and add the outputs to all streams."""
    reference = {name: np.asarray(tensor) for name, tensor in taps.outputs(batch).items()}
    for transformation in transformations:
        watching = {name: streams[name, transformation.name] for name in reference}
        for name, values in reference.items():
            watching[name].start(rows, values)
        jobs: list[Future[None]] = []
        for k, strength in enumerate(transformation.strengths):
            outputs = reference
            if strength != transformation.identity:
                moved = taps.outputs(transformation.images(batch, strength))
                outputs = {name: np.asarray(tensor) for name, tensor in moved.items()}
            _wait(jobs)  # outputs are compared while the network runs on the next strength
            jobs = [
                pool.submit(job, k, values)
                for name, values in outputs.items()
                for job in (watching[name].spread, watching[name].compare)
            ]
        _wait(jobs)
        for stream in watching.values():
            stream.finish()


def _wait(jobs: list[Future[None]]) -> None:
    for job in jobs:
        job.result()


def _notify(taps: Taps, layers: list[FeatureMap], rows: list[Row]) -> None:
    """Log one line for each thing that could not be measured."""
    if taps.notice:
        _LOG.warning("%s", taps.notice)
    if not taps.settled:
        _LOG.warning(
            "nothing says what range of pixels %s takes: it is shown [0, 1]; say it by "
            "load_taps(model, preprocessing=…) (--preprocessing)",
            taps.name,
        )
    for layer in layers:
        if layer.kind == "unknown":
            _LOG.warning(
                "%s: the positions of %s on the image are unknown after the operation %s: no "
                "equivariance error, no Lie derivative",
                *(taps.name, layer.name, layer.seen.unknown),
            )
    silent: dict[tuple[str, str, str], list[int]] = {}
    for row in rows:
        if row["n"] == 0 and "phase" not in row and row["quantity"] in _COMPARED:
            shifts = silent.setdefault((row["quantity"], row["layer"], row["transformation"]), [])
            shifts += [row["strength"]] if "strength" in row else []
    alike: dict[tuple[str, tuple[int, ...]], list[tuple[str, str]]] = {}
    for (quantity, name, transformation), shifts in silent.items():
        if all(layer.kind != "unknown" for layer in layers if layer.name == name):
            alike.setdefault((quantity, tuple(sorted(shifts))), []).append((name, transformation))
    for (quantity, where), pairs in alike.items():
        names, transformations = (
            ", ".join(dict.fromkeys(part)) for part in zip(*pairs, strict=True)
        )
        at = f" at {', '.join(map(str, where))}" if where else ""
        _LOG.warning(
            "%s: no %s of %s under %s%s: no position sees only pixels of the image, or all "
            "values are the same",
            *(taps.name, quantity, names, transformations, at),
        )
