"""All that a score may look at: what a network said of images, before and after they were moved."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from zoo.transformations import Transformation


@dataclass(frozen=True)
class Answers:
    """A network's outputs for a set of images at one strength.

    Attributes:
        labels: `y`, `(N,)`.
        reference: Outputs for `x`: `logits` `(N, K)`; `pre_logits` `(N, U)` where the network has
            a dense head; of a segmenter `mask` `(N, H, W)` and, where kept, `map`
            `(N, H, W, K + 1)`; of a detector `box` `(N, 4)`.
        observed: Outputs for `T_v x`; for the resampling floor, those for `T_-v T_v x`.
        transformation: `T`.
        strength: `v`.
        size: `(H, W)` of what the network sees.
        image_size: `(H, W)` of the images, of which under the boundary `crop` it sees a window.
        true_masks: Masks of the images, or None.
        true_boxes: Boxes of the images, `(N, 4)`, or None.
        noise: The largest change of a logit when the same images are batched otherwise.
        floor: Whether `observed` is for `T_-v T_v x`, so that outputs should not have moved.
    """

    labels: np.ndarray
    reference: dict[str, np.ndarray]
    observed: dict[str, np.ndarray]
    transformation: Transformation
    strength: int
    size: tuple[int, int]
    image_size: tuple[int, int]
    true_masks: np.ndarray | None = None
    true_boxes: np.ndarray | None = None
    noise: float = 0.0
    floor: bool = False

    @cached_property
    def valid(self) -> np.ndarray:
        """Pixels `(H, W)` of a moved answer that came wholly from inside the frame."""
        return self.valid_truth & self._valid(self.transformation.on_outputs(), self.size)

    @cached_property
    def valid_truth(self) -> np.ndarray:
        """Pixels `(H, W)` that show the image, which may be larger than what the network sees."""
        return self._valid(self.transformation, self.image_size)

    def _valid(self, transformation: Transformation, size: tuple[int, int]) -> np.ndarray:
        """Find what is done to ones; exactly 1 is left where nothing from outside came in."""
        ones = np.ones((1, *size, 1), np.float32)
        if not transformation.geometric:
            return ones[0, ..., 0] > 0
        moved = transformation.images(ones, self.strength)
        if self.floor:
            moved = transformation.images(moved, transformation.inverse(self.strength))
        return np.asarray(moved)[0, ..., 0] > 1 - 1e-4

    def moved_masks(self, masks: np.ndarray, *, truth: bool = False) -> np.ndarray:
        """Return `T_v` of a network's masks `(N, H, W)`, or of those of the images."""
        if self.floor:
            return masks
        transformation = self.transformation if truth else self.transformation.on_outputs()
        return np.asarray(transformation.masks(masks.astype(np.int32), self.strength))

    def moved_maps(self, maps: np.ndarray) -> np.ndarray:
        """Return `T_v` of a network's real maps `(N, H, W, C)`, float32."""
        maps = maps.astype(np.float32)
        if self.floor or not self.transformation.geometric:
            return maps
        return np.asarray(self.transformation.on_outputs().images(maps, self.strength))

    def moved_boxes(self, boxes: np.ndarray, *, truth: bool = False) -> np.ndarray:
        """Return `T_v` of boxes `(N, 4)`, as far as they are in the frame."""
        if not self.floor:
            transformation = self.transformation if truth else self.transformation.on_outputs()
            size = self.image_size if truth else self.size
            boxes = np.asarray(transformation.boxes(boxes, self.strength, size))
        height, width = self.size
        return np.clip(boxes, 0, [width, height, width, height])
