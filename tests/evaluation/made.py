"""Networks, cells and paths made by hand for tests: the one place that knows how."""

from dataclasses import replace

import pandas as pd

from evaluation import Measurements, Network, NetworkInfo, Protocol
from evaluation.protocol import Images, TransformationInfo, describe
from evaluation.sweeping.predictions import cell_path, images_of


def network(name, task, input_shape, num_classes, predict, fingerprint, **info):
    """A network of which everything is given."""
    known = NetworkInfo(name, task, input_shape, num_classes, fingerprint, **info)
    return Network(known, predict)


def changed(made, **info):
    """The same network, of which something else is known."""
    return replace(made, info=replace(made.info, **info))


def path_of(directory, made, dataset, transformation, strength):
    """Where the outputs of a network for images under a transformation are, or will be."""
    info, images = describe(transformation), images_of(dataset)
    return cell_path(directory, made.info, images, info, strength)


def measurements(rows, axes, dataset="digits", split="test", placement=None, **more):
    """Measurements of rows, whose transformations have a unit and an identity by name."""
    curves = rows[["transformation", "boundary"]].drop_duplicates()
    transformations = []
    for name, boundary in curves.itertuples(index=False):
        if name in axes:
            unit, identity = axes[name]
            at = rows.loc[rows["transformation"] == name, "strength"].dropna()
            strengths = tuple(sorted({int(v) for v in at} | {identity}))
            moves = boundary != "none"
            transformations.append(
                TransformationInfo(name, boundary, strengths, unit, identity, moves)
            )
    images = Images(dataset, split, placement, (32, 32, 3), 540, "0" * 64)
    networks = tuple(
        NetworkInfo(str(name), "classification", (32, 32, 3), 10, "0" * 64)
        for name in pd.unique(rows["model"])
    )
    return Measurements(rows, Protocol(images, tuple(transformations), networks), **more)


def as_keras_file(model, home):
    model.save(home / "net.keras")
    return home / "net.keras"


def as_h5_file(model, home):
    model.save(home / "net.h5")
    return home / "net.h5"


def as_export(model, home):
    model.export(home / "net", verbose=False)
    return home / "net"
