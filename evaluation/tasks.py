"""What networks are for, and which of their outputs is the answer that must stay or move."""

from typing import Literal, get_args

Task = Literal[
    "classification",
    "segmentation",
    "detection",
    "multilabel",
    "embedding",
    "keypoints",
    "regression",
    "object_detection",
]
"""`classification`: one of K classes; `segmentation`: a class for each pixel; `detection`: a class
and a box; `multilabel`: any of K labels; `embedding`: a vector; `keypoints`: P points of the image;
`regression`: numbers for each pixel, such as depth; `object_detection`: any number of boxes with a
class and a confidence each."""

TASKS: tuple[Task, ...] = get_args(Task)

OF_CLASSES = ("classification", "segmentation", "detection")
"""The tasks whose answer is one class, among others."""

ANSWERS = {
    **dict.fromkeys((*OF_CLASSES, "multilabel"), "logits"),
    "embedding": "embedding",
    "keypoints": "keypoints",
    "regression": "map",
    "object_detection": "objects",
}
"""The output that is the answer of a task; it is always stored."""
