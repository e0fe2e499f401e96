"""Streams: sums over the activations of one layer under one transformation, batch by batch."""

import math
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from evaluation.layerwise.displacement import (
    channel_deviation,
    displaced,
    not_rounding,
    turns_around,
    valid_positions,
)
from evaluation.layerwise.moving import matrix_on_map, moved_map, seen_positions
from evaluation.statistics.means import mean_interval
from zoo.graphs.positions import Positions, ReceptiveField
from zoo.transformations import Geometric, Transformation
from zoo.transformations.families.subpixel import SubpixelTranslation
from zoo.transformations.families.translation import Translation

Row = dict[str, Any]

_IN_CACHE = 1 << 17  # numbers of an array that fit into the cache and are processed at once


@dataclass
class FeatureMap:
    """A feature map of a network.

    Attributes:
        name: The name of the tap.
        shape: `(N, h, w, c)` or `(N, K)`, in which N is not used.
        seen: How its positions lie on the images, and what they see.
        frame: `(H, W)` of the images.
        mean: The mean of each unit over the images, float32 `(h·w·c,)` or `(K,)`.
    """

    name: str
    shape: tuple[int, ...]
    seen: ReceptiveField
    frame: tuple[int, int]
    mean: np.ndarray = field(default_factory=lambda: np.zeros(0), repr=False)

    @property
    def kind(self) -> str:
        """`map`; `vector`, which has no positions; or `unknown`: a map with unknown positions."""
        if len(self.shape) == 2 or (self.seen.period and not self.seen.stride):
            return "vector"
        return "map" if self.seen.stride else "unknown"

    @property
    def axes(self) -> tuple[Positions, Positions]:
        """The positions of a map, downwards and to the right."""
        assert self.seen.y is not None
        assert self.seen.x is not None
        return self.seen.y, self.seen.x

    def period(self, transformation: Transformation) -> int | None:
        """Return the total stride along a translation; None if it is unknown, or not one."""
        if not isinstance(transformation, Translation):
            return None
        return self.seen.period and self.seen.period[_along(transformation)]

    @property
    def description(self) -> dict[str, str]:
        """The kind, the stride and the receptive field, as text."""
        stride, size = self.seen.stride, self.seen.size
        sides = [f"{int(n)}" if math.isfinite(n) else "frame" for n in size or ()]
        return {
            "kind": self.kind,
            "stride": f"{stride[0]}×{stride[1]}" if stride else "–",
            "receptive_field": "frame" if set(sides) == {"frame"} else "×".join(sides) or "unknown",
        }


def _along(transformation: Translation | SubpixelTranslation) -> int:
    """Return the axis of a translation: 0 for downwards, 1 for to the right."""
    return 1 if transformation.axis == "x" else 0


class Stream:
    """The statistics of one layer under one transformation, collected batch by batch."""

    def __init__(self, layer: FeatureMap, transformation: Transformation, images: int) -> None:
        """Begin with sums of zero.

        Args:
            layer: The layer.
            transformation: The transformation, whose strengths contain the identity.
            images: The number of images in all batches.
        """
        self.layer, self.transformation = layer, transformation
        strengths, units = len(transformation.strengths), layer.mean.size
        self.errors = np.full((images, strengths), np.nan)
        self.sums = np.zeros((strengths, units), np.float32)
        self.squares = np.zeros(units)
        self.squared_sums = np.zeros(units)
        self.places: dict[Any, tuple[np.ndarray, np.ndarray]] = {}  # by strength

    def start(self, rows: slice, reference: np.ndarray) -> None:
        """Begin a batch.

        Args:
            rows: The places of the batch among the images.
            reference: The layer's output for the untransformed images.
        """
        self.batch = rows
        self.reference = reference
        self.running = np.zeros((len(reference), self.layer.mean.size), np.float32)
        self.moved: dict[float, np.ndarray] = {}
        self.scales: dict[float, np.ndarray] = {}
        step = max(1, _IN_CACHE // self.layer.mean.size)
        self.parts = [slice(k, k + step) for k in range(0, len(reference), step)]

    def spread(self, k: int, observed: np.ndarray) -> None:
        """Add the layer's output at the k-th strength to the sums for variances."""
        flat = observed.reshape(len(observed), -1)
        squares = np.zeros(flat.shape[1], np.float32)
        for part in self.parts:
            values = flat[part] - self.layer.mean
            self.running[part] += values
            self.sums[k] += values.sum(0)
            np.square(values, out=values)
            squares += values.sum(0)
        self.squares += squares

    def compare(self, k: int, observed: np.ndarray) -> None:
        """Store the equivariance errors of the layer's output at the k-th strength."""
        strength = self.transformation.strengths[k]
        if self.layer.kind == "vector":
            errors = self._vector_errors(observed)
        elif not self.transformation.geometric:
            errors = self._still_errors(observed)
        elif self.layer.kind == "unknown":
            return
        elif isinstance(self.transformation, Translation | SubpixelTranslation):
            errors = self._shift_errors(self.transformation, strength, observed)
        elif isinstance(self.transformation, Geometric):
            errors = self._map_errors(self.transformation, strength, observed)
        else:  # nobody knows how it moves
            return
        self.errors[self.batch, k] = errors

    def finish(self) -> None:
        """End a batch."""
        self.squared_sums += np.square(self.running).sum(0, dtype=np.float64)

    def _vector_errors(self, observed: np.ndarray) -> np.ndarray:
        flat = self.reference.reshape(len(observed), -1)
        if 0.0 not in self.scales:
            deviations = np.linalg.norm(flat - self.layer.mean, axis=1)
            self.scales[0.0] = not_rounding(deviations, np.linalg.norm(flat, axis=1))
        return np.linalg.norm(observed.reshape(flat.shape) - flat, axis=1) / self.scales[0.0]

    def _still_errors(self, observed: np.ndarray) -> np.ndarray:
        """Compare maps that should not move, as under another light."""
        if 0.0 not in self.scales:
            self.scales[0.0] = channel_deviation(self.reference)
        difference = (observed - self.reference).reshape(len(observed), -1)
        return np.linalg.norm(difference, axis=1) / self.scales[0.0]

    def _map_errors(
        self, transformation: Geometric, strength: Any, observed: np.ndarray
    ) -> np.ndarray:
        """Compare maps with those for the untransformed images, moved by the matrix."""
        if strength not in self.places:
            place = self.layer.axes, observed.shape[1:3], self.layer.frame
            matrix = matrix_on_map(transformation, strength, *place)
            seen = seen_positions(transformation, strength, matrix, *place)
            self.places[strength] = matrix, seen
        matrix, seen = self.places[strength]
        if not seen.any():
            return np.full(len(observed), np.nan)
        expected = moved_map(self.reference, matrix)[:, seen]
        difference = (observed[:, seen] - expected).reshape(len(observed), -1)
        return np.linalg.norm(difference, axis=1) / channel_deviation(expected[:, None])

    def _shift_errors(
        self, transformation: Translation | SubpixelTranslation, strength: int, observed: np.ndarray
    ) -> np.ndarray:
        """Compare maps with those for the untransformed images, moved along an axis."""
        axes, frame = self.layer.axes, self.layer.frame
        along = _along(transformation)
        # Strengths of a pixel: those of a translation by fractions are hundredths.
        pixel = 1 if isinstance(transformation, Translation) else 100
        wraps = self._wraps[along]
        slices = [
            slice(0, positions)
            if around
            else valid_positions(axis, positions, n, shift=strength / pixel if k == along else 0)
            for k, (axis, positions, n, around) in enumerate(
                zip(axes, observed.shape[1:3], frame, self._wraps, strict=True)
            )
        ]
        size = observed.shape[along + 1]
        whole, rest = divmod(strength, pixel * axes[along].stride)
        fraction = rest / (pixel * axes[along].stride)
        if fraction not in self.moved:
            self.moved[fraction] = displaced(self.reference, fraction, along + 1, wraps)
        source = (np.arange(size)[slices[along]] - whole) % size
        other = slices[1 - along]
        base = self.moved[fraction]
        base = base[:, :, other] if along == 0 else base[:, other]
        seen = observed[:, slices[0], slices[1]]
        # Moving a circular map by whole positions does not change the deviation of its values.
        if not wraps or fraction not in self.scales:
            self.scales[fraction] = channel_deviation(base.take(source, along + 1))
        squares = np.empty(len(observed))
        for part in self.parts:
            expected = base[part].take(source, along + 1)
            np.subtract(seen[part], expected, out=expected)
            flat = expected.reshape(len(expected), -1)
            squares[part] = np.einsum("nk,nk->n", flat, flat)
        return np.sqrt(squares) / self.scales[fraction]

    @cached_property
    def _wraps(self) -> tuple[bool, bool]:
        layer = self.layer
        y, x = (
            turns_around(axis, positions, n, self.transformation.boundary)
            for axis, positions, n in zip(layer.axes, layer.shape[1:3], layer.frame, strict=True)
        )
        return y, x

    def errors_of_images(self) -> tuple[list[Row], np.ndarray]:
        """Return each image's error at each strength, in each phase, and over all strengths.

        Returns:
            A description of each column, and the errors `(N, columns)`.
        """
        strengths, identity = self.transformation.strengths, self.transformation.identity
        moving = np.array([v != identity for v in strengths])
        period = self.layer.period(self.transformation)
        groups: list[tuple[Row, np.ndarray]] = [
            ({"strength": v}, np.arange(len(strengths)) == k)
            for k, v in enumerate(strengths)
            if not isinstance(v, tuple)
        ]
        for phase in range(period or 0):
            chosen = moving & (np.array(strengths) % (period or 1) == phase)
            if chosen.any():
                groups.append(({"phase": phase}, chosen))
        groups.append(({}, moving))
        values = np.stack([mean_of_rows(self.errors[:, chosen]) for _, chosen in groups], axis=1)
        return [{"quantity": "equivariance_error", **self._place, **at} for at, _ in groups], values

    def variances(self) -> list[Row]:
        """Return rows with the normalised variance of live units and the share of dead units."""
        images, strengths = self.errors.shape
        means = np.square(self.sums, dtype=np.float64).sum(0) / images
        over_images = (self.squares - means) / strengths / (images - 1)
        over_strengths = (self.squares - self.squared_sums / strengths) / images / (strengths - 1)
        dead = over_images <= 1e-6 * self.squares / strengths / images
        ratio = np.maximum(over_strengths[~dead], 0) / over_images[~dead]
        value = float(np.median(ratio)) if len(ratio) else np.nan
        return [
            {"quantity": "normalized_variance", **self._place, "value": value, "n": len(ratio)},
            {"quantity": "dead_units", **self._place, "value": dead.mean(), "n": dead.size},
        ]

    @property
    def _place(self) -> Row:
        boundary = self.transformation.boundary if self.transformation.geometric else "none"
        place = {"layer": self.layer.name, "transformation": self.transformation.name}
        return {**place, "boundary": boundary}


def mean_of_rows(values: np.ndarray) -> np.ndarray:
    """Return the means of rows over the values that are not NaN; NaN if all are."""
    counted = ~np.isnan(values)
    n = counted.sum(1)
    return np.where(n, np.where(counted, values, 0).sum(1) / np.maximum(n, 1), np.nan)


def with_intervals(places: list[Row], values: np.ndarray) -> list[Row]:
    """Return the mean of each column over images, with its interval.

    Args:
        places: A description of each column.
        values: The values of the N images, `(N, columns)`; NaN where an image does not count.

    Returns:
        The descriptions with `value`, `low`, `high` and `n` added.
    """
    low, high = mean_interval(values, bounds=(0, math.inf))
    means, counts = mean_of_rows(values.T), (~np.isnan(values)).sum(0)
    return [
        {**place, "value": m, "low": a, "high": b, "n": int(n)}
        for place, m, a, b, n in zip(places, means, low, high, counts, strict=True)
    ]
