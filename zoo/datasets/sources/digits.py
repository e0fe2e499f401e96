"""The embedded default: scikit-learn's handwritten digits as a TFDS dataset, without a network."""

import contextlib
import hashlib
import inspect
import io
import json
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import tensorflow_datasets as tfds

_TRAIN_PER_CLASS = 120
_VALIDATION_PER_CLASS = 20
_SEED = 1797

_DIGESTS = "digests.json"  # of what was prepared, beside it
_LOG = logging.getLogger("zoo")


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
    """The builder of digits, prepared in the user's cache on first use and where it is damaged.

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
    """Prepares digits under `root`, unless it is there and whole; processes may race."""
    place = root / Digits.name / str(Digits.VERSION)
    there = os.path.lexists(place)  # asked first: what a rival prepares meanwhile is whole
    damage = _damage(place)
    if damage is not None:
        place.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=root) as aside:
            builder = Digits(data_dir=aside)
            with (
                contextlib.redirect_stdout(io.StringIO()),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                builder.download_and_prepare(file_format="tfrecord")
            made = Path(builder.data_dir)
            (made / _DIGESTS).write_text(json.dumps(_digests(made)), encoding="ascii")
            _put(made, place)
        if there:
            _LOG.warning("digits in %s were damaged (%s) and are prepared again", place, damage)
    return Digits(data_dir=root)


def _digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of each file that TFDS reads."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != _DIGESTS
    }


def _damage(place: Path) -> str | None:
    """What is not as it was prepared, or None."""
    try:
        expected = json.loads((place / _DIGESTS).read_bytes())
        if not expected:
            return f"{_DIGESTS} is empty"
        for name, digest in expected.items():
            if hashlib.sha256((place / name).read_bytes()).hexdigest() != digest:
                return f"{name} has changed"
    except OSError as error:
        return f"{Path(error.filename).name}: {error.strerror}"
    except (ValueError, AttributeError):  # no JSON, or something else in it
        return f"{_DIGESTS} has changed"
    return None


def _put(made: Path, place: Path) -> None:
    """Gives a dataset its place in one step or, where there is one, file by file.

    Either way whoever reads meanwhile finds whole files, and a rival that does the same writes the
    same bytes.
    """
    try:
        made.rename(place)
    except OSError:
        if _damage(place) is None:  # a rival was faster
            return
        if not place.is_dir():
            place.unlink()
        place.mkdir(exist_ok=True)
        for file in made.iterdir():
            if (place / file.name).is_dir():
                shutil.rmtree(place / file.name)
            file.replace(place / file.name)
