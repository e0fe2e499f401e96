"""All that a score may look at: what a network said of images, before and after they were moved."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.scores.definitions import Definition

if TYPE_CHECKING:
    from zoo.transformations import Transformation


@dataclass(frozen=True)
class Answers:
    """A network's outputs for a set of images at one strength.

    Its properties, and its outputs as `reference_<output>` and `observed_<output>`, are what the
    functions of scores may take.

    Attributes:
        labels: `y`, `(N,)`.
        reference: Outputs for `x`: `logits` `(N, K)`; `pre_logits` `(N, U)` where the network has
            a dense head; of a segmenter `mask` `(N, H, W)` and, where kept, `map`
            `(N, H, W, K + 1)`; of a detector `box` `(N, 4)`.
        observed: Outputs for `T_v x`; for the resampling floor, those for `T_-v T_v x`.
        action: Returns `T`; asked only by what moves masks, maps or boxes.
        strength: `v`.
        size: `(H, W)` of what the network sees.
        image_size: `(H, W)` of the images, of which under the boundary `crop` it sees a window.
        true_masks: Masks of the images, or None.
        true_boxes: Boxes of the images, `(N, 4)`, or None.
        noise: The largest change of a logit when the same images are batched otherwise.
        floor: Whether `observed` is for `T_-v T_v x`, so that outputs should not have moved.
    """

    labels: np.ndarray
    reference: Mapping[str, np.ndarray]
    observed: Mapping[str, np.ndarray]
    action: Callable[[], "Transformation"]
    strength: Any
    size: tuple[int, int]
    image_size: tuple[int, int]
    true_masks: np.ndarray | None = None
    true_boxes: np.ndarray | None = None
    noise: float = 0.0
    floor: bool = False

    def values(self, definition: Definition) -> np.ndarray:
        """Return what the function of a score makes of them, `(N,)` or `(N, C)`.

        Raises:
            ValueError: If it asks for something else, or gives another number of values.
        """
        found = np.asarray(definition.function(**{n: self._argument(n) for n in definition.reads}))
        if len(np.atleast_1d(found)) != len(self.labels):
            raise ValueError(
                f"expected {definition.name} to give a value for each of {len(self.labels)} "
                f"images, received shape {found.shape}"
            )
        return found

    def _argument(self, name: str) -> Any:
        moment, _, output = name.partition("_")
        if moment in ("reference", "observed") and output != "box":
            outputs = self.reference if moment == "reference" else self.observed
            if output in outputs:
                return outputs[output]
        elif hasattr(type(self), name) or name in ("labels", "noise"):
            return getattr(self, name)
        raise ValueError(f"expected a score to take what evaluation.Score lists, received {name!r}")

    @property
    def observed_box(self) -> np.ndarray:
        """The boxes `(N, 4)` for `T_v x`, as far as they are in the frame."""
        return self._in_frame(self.observed["box"])

    @cached_property
    def moved_mask(self) -> np.ndarray:
        """`T_v f(x)`, `(N, H, W)`."""
        return self._moved_masks(self.reference["mask"], truth=False)

    @cached_property
    def true_mask(self) -> np.ndarray | None:
        """`T_v y`, `(N, H, W)`, where masks are known."""
        return None if self.true_masks is None else self._moved_masks(self.true_masks, truth=True)

    @property
    def moved_map(self) -> np.ndarray:
        """`T_v φ(x)`, float32 `(N, H, W, K + 1)`."""
        maps = self.reference["map"].astype(np.float32)
        if self.floor or not self.action().geometric:
            return maps
        return np.asarray(self.action().on_outputs().images(maps, self.strength))

    @cached_property
    def moved_box(self) -> np.ndarray:
        """`T_v` of the boxes for `x`, `(N, 4)`, as far as they are in the frame."""
        return self._moved_boxes(self.reference["box"], truth=False)

    @cached_property
    def true_box(self) -> np.ndarray | None:
        """`T_v` of the true boxes, `(N, 4)`, where they are known."""
        return None if self.true_boxes is None else self._moved_boxes(self.true_boxes, truth=True)

    @cached_property
    def tight_box(self) -> np.ndarray | None:
        """The tight boxes of the moved true masks, `(N, 4)`, where masks are known."""
        from zoo.transformations.boxes import tight_boxes

        return None if self.true_mask is None else np.asarray(tight_boxes(self.true_mask))

    @cached_property
    def valid(self) -> np.ndarray:
        """Pixels `(H, W)` of a moved answer that came wholly from inside the frame."""
        return self.valid_truth & self._valid(self.action().on_outputs(), self.size)

    @cached_property
    def valid_truth(self) -> np.ndarray:
        """Pixels `(H, W)` that show the image, which may be larger than what the network sees."""
        return self._valid(self.action(), self.image_size)

    def _valid(self, transformation: "Transformation", size: tuple[int, int]) -> np.ndarray:
        """Find what is done to ones; exactly 1 is left where nothing from outside came in."""
        ones = np.ones((1, *size, 1), np.float32)
        if not transformation.geometric:
            return ones[0, ..., 0] > 0
        moved = transformation.images(ones, self.strength)
        if self.floor:
            moved = transformation.images(moved, transformation.inverse(self.strength))
        return np.asarray(moved)[0, ..., 0] > 1 - 1e-4

    def _moved_masks(self, masks: np.ndarray, *, truth: bool) -> np.ndarray:
        if self.floor:
            return masks
        transformation = self.action() if truth else self.action().on_outputs()
        return np.asarray(transformation.masks(masks.astype(np.int32), self.strength))

    def _moved_boxes(self, boxes: np.ndarray, *, truth: bool) -> np.ndarray:
        if not self.floor:
            transformation = self.action() if truth else self.action().on_outputs()
            size = self.image_size if truth else self.size
            boxes = np.asarray(transformation.boxes(boxes, self.strength, size))
        return self._in_frame(boxes)

    def _in_frame(self, boxes: np.ndarray) -> np.ndarray:
        height, width = self.size
        return np.clip(boxes, 0, [width, height, width, height])
