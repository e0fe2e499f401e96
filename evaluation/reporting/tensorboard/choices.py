"""What was chosen for each network and what came out, for TensorBoard's HPARAMS tab."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from evaluation.protocol import NetworkInfo, curve_name
from evaluation.reporting.tensorboard.hparams import Value, is_value
from evaluation.results import Measurements
from zoo.support.plain import plain

_CLEAN = {"accuracy": "clean accuracy", "mask_iou": "clean mask IoU", "box_iou": "clean box IoU"}
# Summaries of a curve that are metrics each, with the words for one and for all of them.
_SUMMARIES = {"invariance_score": "invariance", "equivariance_score": "equivariance"}
_WORST = "worst_case_accuracy"
_LONGEST = 100  # characters of a cell


def choices(networks: Sequence[NetworkInfo]) -> dict[str, dict[str, Value]]:
    """Return what was chosen for each network: the same names for all, in the same order.

    They are the task, the number of parameters, the total stride and every field of the
    configuration with which the network says that it was trained. An option that a network says
    nothing of has the `default`; of a network that says nothing at all it is `unknown`.

    Args:
        networks: Descriptions of networks.

    Returns:
        For each network, values by name.

    Example:
        >>> from evaluation import NetworkInfo
        >>> from evaluation.reporting.tensorboard.choices import choices
        >>> training = {"architecture": "mlp", "options": {"units": [16, 8]}, "augmentation": []}
        >>> net = NetworkInfo("net", "classification", (8, 8, 1), 2, "1", {"training": training})
        >>> list(choices([net])["net"].items())[3:]
        [('architecture', 'mlp'), ('units', '16 8'), ('augmentation', 'none')]
    """
    own = {network.name: _fields(network) for network in networks}
    every = dict.fromkeys(name for fields in own.values() for name in fields)
    silent = {n.name: "default" if _training(n) else "unknown" for n in networks}
    table = {
        model: {name: fields.get(name, silent[model]) for name in every}
        for model, fields in own.items()
    }
    for name in every:  # a column of numbers and texts is one of texts
        if len({isinstance(row[name], str) for row in table.values()}) > 1:
            for row in table.values():
                row[name] = str(row[name])
    return table


def _training(network: NetworkInfo) -> Mapping[str, Any]:
    known = network.metadata.get("training")
    return known if isinstance(known, Mapping) else {}


def _fields(network: NetworkInfo) -> dict[str, Value]:
    """Return what is known of one network; options and ranges are fields of their own."""
    stride, parameters = network.total_stride, network.metadata.get("parameters")
    found: dict[str, Any] = {
        "task": network.task,
        "total_stride": "unknown" if stride is None else "×".join(map(str, stride)),
        "parameters": "unknown" if parameters is None else parameters,
    }
    for name, value in _training(network).items():
        if name == "options" and isinstance(value, Mapping):
            found |= value
        elif name == "ranges" and isinstance(value, Mapping):
            found |= {f"{transformation}_range": ends for transformation, ends in value.items()}
        elif name != "network_fingerprint":  # a name for what no column could show
            found[name] = value
    return {str(plain(name)): _cell(value) for name, value in found.items()}


def _cell(value: Any) -> Value:
    """Return a number unchanged and any other value as text: TensorBoard accepts nothing else."""
    if value is None:
        return "default"
    if not isinstance(value, str) and is_value(value):
        return value
    if isinstance(value, list | tuple):
        value = " ".join(map(str, value)) or "none"
    return str(plain(value))[:_LONGEST]


def outcomes(one: Measurements) -> tuple[dict[str, dict[str, float]], dict[str, str]]:
    """Return what came out for each network, what matters most first.

    That is: the mean of its invariance over families of transformations; its accuracy on images as
    they are; its invariance to one transformation of each family, then to the others; the share of
    images that are right at every strength of each transformation, and the least of these.

    Args:
        one: Measurements.

    Returns:
        For each network, values by tag; and for each tag the name to show.
    """
    identities = {known.key: known.identity for known in one.protocol.transformations}
    families = {known.key: known.family or known.name for known in one.protocol.transformations}
    keys = list(zip(one.frame["transformation"], one.frame["boundary"], strict=True))
    frame = one.frame.assign(
        curve=[curve_name(*key) for key in keys],
        family=[families[key] for key in keys],
        clean=[
            v is not pd.NA and v == identities[key]
            for key, v in zip(keys, one.frame["strength"], strict=True)
        ],
    )
    clean = frame[frame["clean"] & frame["score"].isin(list(_CLEAN))]
    whole = frame[frame["strength"].isna()].drop_duplicates(["model", "score", "curve"])
    first = list(dict.fromkeys(whole.drop_duplicates("family")["curve"]))
    curves = [*first, *(c for c in dict.fromkeys(whole["curve"]) if c not in first)]
    names = {f"summary/{score}": f"{words}, mean" for score, words in _SUMMARIES.items()}
    names |= {f"summary/{score}": words for score, words in _CLEAN.items()}
    for score, words in _SUMMARIES.items():
        names |= {f"summary/{score}/{curve}": f"{words}: {curve}" for curve in curves}
    names |= {f"summary/{_WORST}": "worst case"}
    names |= {f"summary/{_WORST}/{curve}": f"worst case: {curve}" for curve in curves}
    found = {
        str(model): {
            **_means(rows),
            **_values(clean[clean["model"] == model].drop_duplicates("score"), by_curve=False),
            **_values(rows[rows["score"].isin([*_SUMMARIES, _WORST])], by_curve=True),
        }
        for model, rows in whole.groupby("model", sort=False)
    }
    shares = {tag: sum(tag in values for values in found.values()) for tag in names}
    names = {tag: str(plain(words)) for tag, words in names.items() if shares[tag]}
    # TensorBoard's parallel coordinates leave out a network that lacks a metric shown at first.
    everywhere = {tag: words for tag, words in names.items() if shares[tag] == len(found)}
    return found, everywhere | names


def _means(rows: pd.DataFrame) -> dict[str, float]:
    """Return the means of one network's summaries over families, and its worst case."""
    found = {}
    for score in _SUMMARIES:
        scored = rows[rows["score"] == score]
        if len(scored):
            mean = scored.groupby("family")["value"].mean().mean()
            found[f"summary/{score}"] = float(mean)
    worst = rows.loc[rows["score"] == _WORST, "value"]
    return {**found, **({f"summary/{_WORST}": float(worst.min())} if len(worst) else {})}


def _values(rows: pd.DataFrame, *, by_curve: bool) -> dict[str, float]:
    columns = ["score", "curve"] if by_curve else ["score"]
    tags = ("/".join(parts) for parts in rows[columns].itertuples(index=False))
    return {f"summary/{tag}": float(v) for tag, v in zip(tags, rows["value"], strict=True)}
