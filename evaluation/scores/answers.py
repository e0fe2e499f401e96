"""The inputs of scores: a network's outputs for images before and after their transformation."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.scores.definitions import Definition
from evaluation.scores.functions.objects import matches

if TYPE_CHECKING:
    from zoo.transformations import Transformation


_GIVEN = ("labels", "noise", "whole", "gallery", "places", "size")  # not derived from outputs


@dataclass(frozen=True)
class Answers:
    """A network's outputs for a set of images at one strength.

    The function of a score may take the properties of this class as arguments, and its outputs as
    `reference_<output>` and `observed_<output>`.

    Attributes:
        labels: `y`, `(N,)`, or None.
        reference: Outputs for `x`: `logits` `(N, K)`; `pre_logits` `(N, U)` if the network ends in
            a dense layer; for segmentation `mask` `(N, H, W)` and, if kept, `map`
            `(N, H, W, K + 1)`; for detection `box` `(N, 4)`; for other tasks their answer, see
            `evaluation.tasks`.
        observed: Outputs for `T_v x`; for the floor, those for `x` interpolated.
        action: Returns `T`; called only if masks, maps or boxes are moved.
        strength: `v`.
        size: `(H, W)` of what the network sees.
        image_size: `(H, W)` of the images; larger than `size` under the boundary `crop`.
        true_masks: Masks of the images, `(N, H, W)`, or None.
        true_boxes: Boxes of the images, `(N, 4)`, or None.
        truth_objects: Boxes and classes of all objects, `(N, L, 5)`, NaN in unused rows; or None.
        whole: Whether each image's object is wholly in the frame, `(N,)`; None if it is unknown.
        gallery: The embeddings of all images, `(M, D)`, or None.
        places: The places of these images among all, `(N,)`.
        noise: The largest change of a logit when the same images are batched differently.
        floor: Whether `observed` is for the floor, so that outputs should not have moved.
    """

    labels: np.ndarray | None
    reference: Mapping[str, np.ndarray]
    observed: Mapping[str, np.ndarray]
    action: Callable[[], "Transformation"]
    strength: Any
    size: tuple[int, int]
    image_size: tuple[int, int]
    true_masks: np.ndarray | None = None
    true_boxes: np.ndarray | None = None
    truth_objects: np.ndarray | None = None
    whole: np.ndarray | None = None
    gallery: np.ndarray | None = None
    places: np.ndarray | None = None
    noise: float = 0.0
    floor: bool = False

    def values(self, definition: Definition) -> np.ndarray:
        """Return the values of a score's function, `(N,)` or `(N, C)`.

        Raises:
            ValueError: If the function takes an unknown argument, or does not return N values.
        """
        found = np.asarray(definition.function(**{n: self._argument(n) for n in definition.reads}))
        stored = next(iter(self.observed.values())) if self.labels is None else self.labels
        count = len(stored)
        if len(np.atleast_1d(found)) != count:
            raise ValueError(
                f"expected {definition.name} to return a value for each of {count} "
                f"images, received shape {found.shape}"
            )
        return found

    def _argument(self, name: str) -> Any:
        moment, _, output = name.partition("_")
        if moment in ("reference", "observed") and output != "box":
            outputs = self.reference if moment == "reference" else self.observed
            if output in outputs:
                return outputs[output]
        elif hasattr(type(self), name) or name in _GIVEN:
            return getattr(self, name)
        raise ValueError(
            f"expected a score to take arguments listed in evaluation.Score, received {name!r}"
        )

    @property
    def observed_box(self) -> np.ndarray:
        """The boxes `(N, 4)` for `T_v x`, clipped to the frame."""
        return self._in_frame(self.observed["box"])

    @cached_property
    def moved_mask(self) -> np.ndarray:
        """`T_v f(x)`, `(N, H, W)`."""
        return self._moved_masks(self.reference["mask"], truth=False)

    @cached_property
    def true_mask(self) -> np.ndarray | None:
        """`T_v y`, `(N, H, W)`; None if there are no true masks."""
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
        """`T_v` of the boxes for `x`, `(N, 4)`, clipped to the frame."""
        return self._moved_boxes(self.reference["box"], truth=False)

    @cached_property
    def moved_keypoints(self) -> np.ndarray:
        """`T_v k(x)`, `(N, P, 2)`."""
        points = self.reference["keypoints"]
        if self.floor:
            return points
        # A point is a box without extent; boxes begin at the edge of pixel 0, points at its centre.
        corner = points.reshape(-1, 2) + 0.5
        boxes = np.concatenate([corner, corner], axis=-1).astype(np.float32)
        moved = self.action().on_outputs().boxes(boxes, self.strength, self.size)
        return np.asarray(moved)[:, :2].reshape(points.shape) - 0.5

    @cached_property
    def object_matches(self) -> np.ndarray:
        """How the objects of `T_v x` match the moved ones of `x`, `(N, 5)`."""
        return matches(self.observed["objects"], self.moved_objects, self.size)

    @cached_property
    def moved_objects(self) -> np.ndarray:
        """Objects in `x`, `(N, M, 6)`, their boxes moved by `T_v` and not clipped."""
        return self._moved_objects(self.reference["objects"], truth=False)

    @cached_property
    def true_objects(self) -> np.ndarray | None:
        """`T_v` of all true objects, `(N, L, 5)`, not clipped; None if they are not known."""
        if self.truth_objects is None:
            return None
        return self._moved_objects(self.truth_objects, truth=True)

    @cached_property
    def true_box(self) -> np.ndarray | None:
        """`T_v` of the true boxes, `(N, 4)`, clipped to the frame; None if there are none."""
        return None if self.true_boxes is None else self._moved_boxes(self.true_boxes, truth=True)

    @cached_property
    def tight_box(self) -> np.ndarray | None:
        """The tight boxes of the moved true masks, `(N, 4)`; None if there are no true masks."""
        from zoo.transformations.boxes import tight_boxes

        return None if self.true_mask is None else np.asarray(tight_boxes(self.true_mask))

    @cached_property
    def valid(self) -> np.ndarray:
        """Pixels `(H, W)` of a moved answer that came entirely from inside the frame."""
        return self.valid_truth & self._valid(self.action().on_outputs(), self.size)

    @cached_property
    def valid_truth(self) -> np.ndarray:
        """Pixels `(H, W)` of the moved image that came entirely from inside the image.

        Under the boundary `crop`, the image is larger than what the network sees.
        """
        return self._valid(self.action(), self.image_size)

    def _valid(self, transformation: "Transformation", size: tuple[int, int]) -> np.ndarray:
        """Transform an image of ones, which remain 1 only where nothing comes from outside."""
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

    def _moved_objects(self, objects: np.ndarray, *, truth: bool) -> np.ndarray:
        if self.floor:
            return objects
        transformation = self.action() if truth else self.action().on_outputs()
        size = self.image_size if truth else self.size
        boxes = objects[..., :4].reshape(-1, 4)
        moved = np.asarray(transformation.boxes(boxes, self.strength, size))
        found = np.concatenate([moved.reshape(objects[..., :4].shape), objects[..., 4:]], axis=-1)
        return _with_copies(found, size) if self.action().boundary == "circular" else found

    def _moved_boxes(self, boxes: np.ndarray, *, truth: bool) -> np.ndarray:
        if not self.floor:
            transformation = self.action() if truth else self.action().on_outputs()
            size = self.image_size if truth else self.size
            boxes = np.asarray(transformation.boxes(boxes, self.strength, size))
        return self._in_frame(boxes)

    def _in_frame(self, boxes: np.ndarray) -> np.ndarray:
        height, width = self.size
        return np.clip(boxes, 0, [width, height, width, height])


def _with_copies(objects: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return objects with their copies at all sides, of which a circular frame shows a part."""
    height, width = size
    copies = []
    for down in (-height, 0, height):
        for right in (-width, 0, width):
            copy = objects.copy()
            copy[..., :4] += np.array([right, down, right, down], copy.dtype)
            copies.append(copy)
    return np.concatenate(copies, axis=1)
