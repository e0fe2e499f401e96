"""The default dataset: scikit-learn's handwritten digits as a TFDS dataset, without a download."""

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

_DIGESTS = "digests.json"  # lies beside the prepared files and holds their SHA-256
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
        """Return the images of each split; nothing is downloaded, so `dl_manager` is not used."""
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
    """Return the images of each split by index, in a fixed random order."""
    # Bit generators give the same numbers in every version of numpy; permutation() may not.
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
    """Return the builder of digits, preparing the files if they are missing or damaged.

    They lie in `$XDG_CACHE_HOME/invariance-zoo/tfds` (by default in `~/.cache`), or in the
    temporary directory if that cannot be written.

    Raises:
        OSError: If neither place can be written.
    """
    try:
        cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        return _prepare(cache / "invariance-zoo" / "tfds")
    except (OSError, RuntimeError):  # RuntimeError: the user has no home
        return _prepare(Path(tempfile.gettempdir()) / "invariance-zoo" / "tfds")


def _prepare(root: Path) -> Digits:
    """Prepare digits under `root` unless they are there, undamaged; safe in parallel processes."""
    place = root / Digits.name / str(Digits.VERSION)
    # Asked first: what another process prepares from here on is not damaged.
    there = os.path.lexists(place)
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
    """Return the SHA-256 of each file that TFDS reads, by file name."""
    return {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.iterdir())
        if path.name != _DIGESTS
    }


def _damage(place: Path) -> str | None:
    """Return which file differs from what was prepared, and how; None if none does."""
    try:
        expected = json.loads((place / _DIGESTS).read_bytes())
        if not expected:
            return f"{_DIGESTS} is empty"
        for name, digest in expected.items():
            if hashlib.sha256((place / name).read_bytes()).hexdigest() != digest:
                return f"{name} has changed"
    except OSError as error:
        return f"{Path(error.filename).name}: {error.strerror}"
    except (ValueError, AttributeError):  # not JSON, or not a mapping
        return f"{_DIGESTS} has changed"
    return None


def _put(made: Path, place: Path) -> None:
    """Move a prepared dataset to its place: in one step or, if the place is taken, file by file.

    Either way a process that reads meanwhile finds whole files, and one that does the same writes
    the same bytes.
    """
    try:
        made.rename(place)
    except OSError:
        if _damage(place) is None:  # another process was faster
            return
        if not place.is_dir():
            place.unlink()
        place.mkdir(exist_ok=True)
        for file in made.iterdir():
            if (place / file.name).is_dir():
                shutil.rmtree(place / file.name)
            file.replace(place / file.name)
