"""Values per image, from which scores, comparisons, classes and stopping are computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from evaluation.protocol import NetworkInfo, TransformationInfo
from evaluation.scores.answers import Answers
from evaluation.scores.definitions import Combined, Curve, Definition, Score, one_per_image
from evaluation.scores.table import SCORES, SUMMARIES, chosen
from evaluation.sweeping.predictions import Predictions

_CHUNK = 1024  # images whose outputs are in memory at a time


@dataclass(frozen=True, eq=False)
class Observations:
    """The values of each image for one network, by score, transformation and strength.

    Attributes:
        predictions: The result of a sweep.
        of: The network, or its name.

    Raises:
        FileNotFoundError: If the predictions have no such network.
        ValueError: If its masks differ from the images in size.

    Example:
        >>> import tempfile, keras, numpy as np
        >>> from evaluation import load_model, Observations, sweep
        >>> from zoo.datasets import from_arrays
        >>> model = keras.Sequential([keras.Input((4, 4, 1)), keras.layers.Flatten()], name="net")
        >>> data = from_arrays(np.zeros((3, 4, 4, 1), np.float32), np.array([0, 1, 1]))
        >>> with tempfile.TemporaryDirectory() as directory:
        ...     predictions = sweep([load_model(model)], data, "horizontal_flip", directory)
        ...     observations = Observations(predictions, "net")
        ...     observations.over("horizontal_flip", ["accuracy"])["accuracy"].tolist()
        [[1.0, 1.0], [0.0, 0.0], [0.0, 0.0]]
    """

    predictions: Predictions
    of: Any = field(repr=False)

    @cached_property
    def network(self) -> NetworkInfo:
        """The description of the network."""
        return self.predictions.network(self.of)

    @cached_property
    def outputs(self) -> tuple[str, ...]:
        """The names of its stored outputs."""
        first = self.predictions.transformations[0]
        found = self.predictions.cell(self.network, first, first.identity)
        size = self._size(first)
        if "mask" in found and found["mask"].shape[1:] != size:
            raise ValueError(
                f"expected masks of the images' size {size} to measure how they move, "
                f"{self.network.name} gives {found['mask'].shape[1:]}"
            )
        return tuple(found)

    @cached_property
    def noise(self) -> float:
        """The largest change of a logit when the same images are batched differently.

        0 if the sweep did not measure it; no score that reads it is then admitted.
        """
        before, again = self._twice
        return float(np.abs(again - before).max()) if len(before) else 0.0

    @cached_property
    def repeats(self) -> np.ndarray:
        """Whether each image has the same class when shown again, in other batches, `(N,)`.

        Empty if the sweep did not show images again.
        """
        before, again = self._twice
        return before.argmax(axis=-1) == again.argmax(axis=-1)

    @cached_property
    def is_random(self) -> bool:
        """Whether answers to the same images differ by more than rounding can explain.

        Such a network draws random numbers, or its answer to an image depends on the others of its
        batch. The change is compared for the image in the middle, as in a segmenter a pixel of a
        few images may flip by rounding.
        """
        before, again = self._twice
        if not len(before):
            return False
        change = np.median(np.abs(again - before).max(axis=-1))
        return bool(change > 1e-3 * max(np.abs(before).max(), 1e-30))

    @cached_property
    def _twice(self) -> tuple[np.ndarray, np.ndarray]:
        """Logits `(N, K)` of all images, and of the same images in other batches."""
        if not self.predictions.floors or not self.predictions.transformations:
            return np.empty((0, 1)), np.empty((0, 1))
        first = self.predictions.transformations[0]
        answer = self.network.answer
        before = self.predictions.cell(self.network, first, first.identity)[answer]
        return before, self.predictions.rebatched(self.network)[answer]

    def admitted(self, scores: Iterable[str | Definition] | None = None) -> list[Definition]:
        """Return the scores and summaries that can be computed from the stored outputs.

        Args:
            scores: Names, or your own definitions; by default all that can be computed.

        Raises:
            ValueError: If one of them is unknown, is not defined for the network's task, or reads
                an output that was not stored.
        """
        if not self.predictions.transformations:
            return []
        if scores is None:
            everything = (*SCORES.values(), *SUMMARIES.values())
            return [d for d in everything if not self._hindrance(d) and not getattr(d, "of", ())]
        wanted = chosen(scores)
        for definition in wanted:
            if reason := self._hindrance(definition):
                raise ValueError(reason)
        return wanted

    def _hindrance(self, definition: Definition) -> str:
        """Return the reason why a score cannot be computed; empty if it can."""
        name, network = definition.name, self.network
        if network.task not in definition.tasks:
            return (
                f"expected a model for {' or '.join(definition.tasks)} to measure {name}, "
                f"{network.name} is for {network.task}"
            )
        if missing := sorted(definition.needs - set(self.outputs)):
            return (
                f"expected predictions with {', '.join(missing)} to measure {name}, those of "
                f"{network.name} have {', '.join(self.outputs)}"
            )
        truth = self.predictions.truth
        parts = [SCORES[part] for part in getattr(definition, "of", ())]
        reads = [d.reads for d in parts if network.task in d.tasks] or [definition.reads]
        if truth.labels is None and all("labels" in names for names in reads):
            return (
                f"expected images with labels to measure {name}, those of "
                f"{self.predictions.protocol.images.dataset} have none"
            )
        if "true_objects" in definition.reads and truth.objects is None:
            return (
                f"expected images with all their objects to measure {name}, those of "
                f"{self.predictions.protocol.images.dataset} have none"
            )
        if "whole" in definition.reads and truth.masks is None and truth.boxes is None:
            return (
                f"expected images with masks or boxes to measure {name}, those of "
                f"{self.predictions.protocol.images.dataset} have none"
            )
        if "noise" in definition.reads and not self.predictions.floors:
            return (
                f"expected predictions with floors to measure {name}, which is counted against the "
                f"float noise of {network.name}: sweep with floors=True"
            )
        return ""

    def at(
        self,
        transformation: Any,
        strength: Any,
        scores: Sequence[Score | Combined],
        *,
        floor: bool = False,
    ) -> dict[str, np.ndarray]:
        """Return the values that each score averages at one strength, float32 `(N, C)`.

        Values are NaN for images that do not count. Outputs are read from disk in parts.

        Args:
            transformation: A swept transformation, or its name.
            strength: One of its strengths.
            scores: Definitions that `admitted` returned.
            floor: Whether to use the outputs for the floor instead of those for `T_v x`.
        """
        predictions = self.predictions
        info = predictions.transformation(transformation)
        truth, images = predictions.truth, predictions.protocol.images
        whole = predictions.whole(info, strength)
        reference = predictions.cell(self.network, info, info.identity)
        stored = predictions.floor if floor else predictions.cell
        observed = stored(self.network, info, strength)
        needed = {self.network.answer}.union(*(score.needs for score in scores))
        found: dict[Any, np.ndarray] = {}  # scores that average the same share it
        for start in range(0, images.n, _CHUNK):
            part = slice(start, start + _CHUNK)
            answers = Answers(
                None if truth.labels is None else truth.labels[part],
                {name: output[part] for name, output in reference.items() if name in needed},
                {name: output[part] for name, output in observed.items() if name in needed},
                lambda: predictions.action(info),
                strength,
                self._size(info),
                images.frame[:2],
                None if truth.masks is None else truth.masks[part],
                None if truth.boxes is None else truth.boxes[part],
                None if truth.objects is None else truth.objects[part],
                None if whole is None else whole[part],
                reference.get("embedding"),
                np.arange(images.n)[part],
                self.noise,
                floor,
            )
            for score in {score.function: score for score in scores}.values():
                value = answers.values(score)
                value = value[:, None] if value.ndim == 1 else value
                if score.function not in found:
                    found[score.function] = np.empty((images.n, value.shape[1]), np.float32)
                found[score.function][part] = value
        return {score.name: found[score.function] for score in scores}

    def over(
        self, transformation: Any, scores: Iterable[str | Definition]
    ) -> dict[str, np.ndarray]:
        """Return each score's values `(images, strengths)`, NaN where an image does not count.

        Args:
            transformation: A swept transformation, or its name.
            scores: Scores with one value per image.

        Raises:
            ValueError: If one has several values per image, or reads an output that was not stored.
        """
        wanted = one_per_image(self.admitted(scores))
        info = self.predictions.transformation(transformation)
        at = [self.at(info, v, wanted) for v in info.strengths]
        return {s.name: np.hstack([values[s.name] for values in at]) for s in wanted}

    def worst(self, transformation: Any, score: str | Score, n: int = 10) -> pd.DataFrame:
        """Return the images for which a score is worst, the worst first.

        Args:
            transformation: A swept transformation, or its name.
            score: A score with one value per image.
            n: How many images, at most; images that do not count are left out.

        Returns:
            A row per image: `image`, its place in the data set; its `label`; `mean`, its mean over
            all strengths but the identity; `value`, its worst; and `strength`, where that occurs
            closest to the identity.

        Raises:
            ValueError: If the score has several values per image, or reads an output that was not
                stored.
        """
        (definition,) = one_per_image(self.admitted([score]))
        info = self.predictions.transformation(transformation)
        sign = 1 if definition.higher_is_better else -1
        distance = [float(np.abs(np.subtract(v, info.identity)).sum()) for v in info.strengths]
        nearest = [k for k in np.argsort(distance, kind="stable") if distance[k]]
        (values,) = self.over(info, [definition]).values()
        counted = ~np.isnan(values[:, nearest]).all(axis=1)
        images = np.flatnonzero(counted)
        values = sign * values[np.ix_(counted, nearest)]
        order = np.argsort(np.nanmean(values, axis=1), kind="stable")[:n]
        images, values = images[order], values[order]
        at = np.nanargmin(values, axis=1)
        labels = self.predictions.truth.labels
        return pd.DataFrame(
            {
                "image": images,
                **({} if labels is None else {"label": labels[images]}),
                "mean": sign * np.nanmean(values, axis=1),
                "value": sign * values[np.arange(len(at)), at],
                "strength": [info.strengths[nearest[k]] for k in at],
            }
        )

    def curve(self, transformation: Any, values: dict[str, np.ndarray]) -> Curve:
        """Return the curve from which summaries are computed.

        Args:
            transformation: A swept transformation, or its name.
            values: The result of `over`.
        """
        info = self.predictions.transformation(transformation)

        def outputs(name: str) -> list[np.ndarray]:
            return [self.predictions.cell(self.network, info, v)[name] for v in info.strengths]

        stride = info.stride(self.network)
        return Curve(info.strengths, info.identity, info.unit, stride, values, outputs)

    def _size(self, info: TransformationInfo) -> tuple[int, int]:
        """Return `(H, W)` of the images that the network is shown."""
        height, width, _ = self.predictions.protocol.images.frame
        return info.window or (height, width)
