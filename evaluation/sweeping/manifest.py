"""The manifest of a sweep, written beside its cells, so that nothing else is needed to score them.

`<directory>/sweeps/<dataset>-<digest>/` has `protocol.json`, `truth.npz` (labels, names of classes,
masks, boxes, objects, and which images' object each transformation leaves whole) and `strips.npz`
(the first image at every strength). The digest is of the names of the networks, of the dataset with
its split, placement and frame, of the transformations with their boundaries, and of whether there
are floors. A sweep with the same digest replaces the earlier one.
"""

import secrets
import shutil
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from evaluation.arrays import read_arrays, read_strips, write_strips
from evaluation.protocol import Protocol, describe
from evaluation.sweeping.predictions import TRUTH, Predictions, Truth
from zoo.support.files import folder_name, put_in_place, recover

if TYPE_CHECKING:
    from zoo.transformations import Transformation

SWEEPS = "sweeps"


def write_manifest(predictions: Predictions) -> Path:
    """Write the manifest of a sweep, replacing that of an earlier sweep with the same digest.

    Returns:
        The folder of the manifest.
    """
    protocol, truth = predictions.protocol, predictions.truth
    images = protocol.images
    question = (
        *(images.dataset, images.split, images.placement, images.frame, protocol.floors),
        *(network.name for network in protocol.networks),
        *(transformation.key for transformation in protocol.transformations),
    )
    home = predictions.directory / SWEEPS / folder_name(images.dataset, repr(question))
    partial = home.with_name(f".{home.name}.{secrets.token_hex(4)}")
    partial.mkdir(parents=True)
    arrays: dict[str, Any] = {"class_names": np.array(truth.class_names, str)}
    arrays |= {name: getattr(truth, name) for name in images.truth}
    for k, transformation in enumerate(protocol.transformations):
        if transformation.key in truth.whole:
            arrays[f"whole.{k}"] = np.packbits(truth.whole[transformation.key], axis=1)
    np.savez(partial / "truth.npz", **arrays)
    write_strips(predictions.strips, partial / "strips.npz")
    (partial / "protocol.json").write_text(protocol.to_json(), encoding="utf-8")
    try:
        put_in_place(partial, home)
    except OSError:  # another process writes the same sweep
        shutil.rmtree(partial, ignore_errors=True)
        if not (home / "protocol.json").exists():
            raise
    return home


def manifests(directory: Path) -> list[Path]:
    """Return the folders of all manifests in a directory, also those a kill had set aside."""
    for aside in directory.glob(f"{SWEEPS}/.*.old"):
        recover(aside.with_name(aside.stem.removeprefix(".")))
    return sorted(file.parent for file in directory.glob(f"{SWEEPS}/[!.]*/protocol.json"))


def read_manifest(directory: Path, transformations: Iterable["Transformation"]) -> Predictions:
    """Read the predictions of a sweep from its manifest; see `Predictions.open`."""
    homes = [directory] if (directory / "protocol.json").is_file() else manifests(directory)
    if not homes:
        raise FileNotFoundError(f"expected predictions in {directory}, there are none: sweep first")
    if len(homes) > 1:
        listed = ", ".join(str(home.relative_to(directory)) for home in homes)
        raise ValueError(
            f"expected one sweep in {directory}, received {listed}: choose one of these folders"
        )
    (home,) = homes
    try:
        protocol = Protocol.from_json((home / "protocol.json").read_text(encoding="utf-8"))
        strips = read_strips(home / "strips.npz")
        known = read_arrays(home / "truth.npz")
        names = tuple(map(str, known["class_names"]))
        whole = {
            transformation.key: np.unpackbits(
                known[f"whole.{k}"], axis=1, count=protocol.images.n
            ).astype(bool)
            for k, transformation in enumerate(protocol.transformations)
            if f"whole.{k}" in known
        }
        arrays = {name: known.get(name) for name in TRUTH}
        truth = Truth(**arrays, class_names=names, whole=whole)
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise ValueError(
            f"expected what a sweep wrote in {home}, it is damaged: sweep again ({error})"
        ) from error
    given = {}
    for transformation in transformations:
        for swept in protocol.transformations:
            own = describe(replace(transformation, strengths=swept.strengths))
            if own.spec == swept.spec:
                given[swept.key] = transformation
    return Predictions(home.parent.parent, protocol, truth, strips, given)
