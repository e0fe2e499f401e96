"""The embedded default: scikit-learn's handwritten digits as a TFDS dataset, without a network."""

import contextlib
import inspect
import io
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

_TRAIN_PER_CLASS = 120
_VALIDATION_PER_CLASS = 20
_SEED = 1797


class Digits(tfds.core.GeneratorBasedBuilder):
    """UCI's optical recognition of handwritten digits: 1,797 images of 8 × 8, 10 classes.

    Splits are fixed, disjoint and stratified: 120 images of each class to train (1,200), 20 to
    validate (200), the other 397 to test.

    Source: Alpaydin & Kaynak, Optical Recognition of Handwritten Digits, 1998,
    https://doi.org/10.24432/C50P49, CC BY 4.0; the copy that scikit-learn ships.
    """

    VERSION = tfds.core.Version("1.0.0")

    def _info(self) -> Any:
        return tfds.core.DatasetInfo(
            builder=self,
            description=inspect.getdoc(type(self)),
            features=tfds.features.FeaturesDict(
                {
                    "image": tfds.features.Image(shape=(8, 8, 1), dtype=np.uint8),
                    "label": tfds.features.ClassLabel(num_classes=10),
                }
            ),
            supervised_keys=("image", "label"),
            homepage="https://doi.org/10.24432/C50P49",
            disable_shuffling=True,  # the order is already drawn below
        )

    def _split_generators(self, dl_manager: Any) -> dict[str, Iterator[tuple[int, dict]]]:
        """The images of each split; nothing is downloaded, so `dl_manager` is left alone."""
        from sklearn.datasets import load_digits

        digits = load_digits()
        images = np.rint(digits.images * (255 / 16)).astype(np.uint8)[..., None]
        parts = _split_indices(digits.target)
        return {
            split: self._generate_examples(images[part], digits.target[part])
            for split, part in parts.items()
        }

    def _generate_examples(
        self, images: np.ndarray, labels: np.ndarray
    ) -> Iterator[tuple[int, dict]]:
        for number, (image, label) in enumerate(zip(images, labels, strict=True)):
            yield number, {"image": image, "label": int(label)}


def _split_indices(labels: np.ndarray) -> dict[str, np.ndarray]:
    """Which images each split holds, in its own order, with classes mixed."""
    # Bit generators promise the same stream in every version of numpy, permutation() does not.
    order = np.argsort(np.random.PCG64(_SEED).random_raw(len(labels)), kind="stable")
    rank = np.empty(len(labels), int)  # how many of the same class come before, in that order
    for label in np.unique(labels):
        positions = np.flatnonzero(labels[order] == label)
        rank[positions] = np.arange(len(positions))
    held_out = _TRAIN_PER_CLASS + _VALIDATION_PER_CLASS
    return {
        "train": order[rank < _TRAIN_PER_CLASS],
        "validation": order[(rank >= _TRAIN_PER_CLASS) & (rank < held_out)],
        "test": order[rank >= held_out],
    }


def prepared_builder() -> Digits:
    """The builder of digits, prepared in the user's cache on first use.

    The place is `$XDG_CACHE_HOME/invariance-zoo/tfds` (`~/.cache` by default), or the temporary
    directory where that cannot be written.

    Raises:
        OSError: if neither place can be written.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return _prepare(cache / "invariance-zoo" / "tfds")
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return _prepare(Path(tempfile.gettempdir()) / "invariance-zoo" / "tfds")


def _prepare(root: Path) -> Digits:
    """Prepares digits under `root`, unless it is there; processes may race."""
    place = Path(Digits(data_dir=root).data_dir)
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        # Built aside and moved in one step: whoever comes second finds a whole dataset.
        with tempfile.TemporaryDirectory(dir=root) as aside:
            builder = Digits(data_dir=aside)
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                builder.download_and_prepare(file_format="tfrecord")
            try:
                os.rename(builder.data_dir, place)
            except OSError:
                if not place.exists():
                    raise
    return Digits(data_dir=root)
