"""Records made by hand, whose values per image are known."""

from dataclasses import replace

import numpy as np

from evaluation import Measurements, NetworkInfo, Protocol
from evaluation.protocol import Images, describe
from evaluation.tables import table
from evaluation.values import Values
from zoo.transformations import TRANSFORMATIONS

ROTATION = describe(replace(TRANSFORMATIONS["rotation"], strengths=(-30, -15, 0, 15, 30)))
LIGHT = describe(replace(TRANSFORMATIONS["brightness"], strengths=(-50, 0, 50)))


def share(n, right):
    """Values `(n,)` of which the first ones are 1."""
    return (np.arange(n) < right).astype(np.float32)


def record(arrays, infos=(ROTATION,), labels=None, class_names=(), rows=(), images="0" * 64):
    """A record of values `(images, strengths)` by network, name of a transformation, and score.

    There is a row for each score and strength, and whatever other rows are given.
    """
    found, values = list(rows), {}
    known = {info.name: info for info in infos}
    for (network, name, score), array in arrays.items():
        info = known[name]
        values[network, *info.key, score] = array.astype(np.float32)
        for strength, column in zip(info.strengths, array.T, strict=True):
            found.append(row(network, info, score, np.nanmean(column), strength, len(column)))
    n = len(next(iter(arrays.values())))
    shown = Images("mine", "test", None, (32, 32, 3), n, images)
    names = dict.fromkeys(network for network, *_ in arrays)
    networks = tuple(NetworkInfo(m, "classification", (32, 32, 3), 10, "0") for m in names)
    return Measurements(
        table(found),
        Protocol(shown, tuple(infos), networks),
        values=Values(values, labels, class_names),
    )


def row(network, info, score, value, strength=None, n=100, low=np.nan, high=np.nan):
    """A row of a table of measurements."""
    return {
        "model": network,
        "dataset": "mine",
        "task": "classification",
        "property": "invariance",
        "score": score,
        "transformation": info.name,
        "strength": strength,
        "boundary": info.boundary,
        "value": value,
        "low": low,
        "high": high,
        "n": n,
    }


def accurate(right, n=400, name="net", **more):
    """A record of a network that is right for so many images, wherever they are turned to."""
    array = np.repeat(share(n, right)[:, None], 5, axis=1)
    agreement = np.ones_like(array)
    return record(
        {(name, "rotation", "accuracy"): array, (name, "rotation", "top1_agreement"): agreement},
        **more,
    )
