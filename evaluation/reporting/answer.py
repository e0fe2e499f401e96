"""The answer in words: which network is best for what, by how much, and what to do next."""

import textwrap
from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from scipy.special import ndtri

from evaluation.configurations import configurations
from evaluation.reporting.breaking import KEPT, SURELY_HOLDS, UNSURE, Break, first_breaks
from evaluation.reporting.names import shown_names
from evaluation.results import Measurements
from evaluation.statistics.intervals import CONFIDENCE

_UNORDERED = (
    "Networks for numbers of pixels have no order, since their errors have the unit of the map: "
    "--boards all prints them."
)
_SHARES = {
    "multilabel": "keeps all labels of {} of the images",
    "embedding": "keeps {} of the images nearest to themselves",
    "keypoints": "keeps {} of the points near their moved place",
    "object_detection": "keeps {} of the objects",
}
# An architecture that is made for a family.
_ARCHITECTURES = {
    "translation": "polyphase_cnn",
    "rotation": "group_cnn",
    "scale": "multiscale_cnn",
}
_LINES, _WIDTH = 10, 80  # of a terminal
_TIES = "Within noise"
_NAMED = 3  # networks that are named where more share a place
# The name of the augmentation that varies each family.
_AUGMENTATION = {
    **{family: family for family in ("translation", "rotation", "scale")},
    "light": "colour",
}


def answer(one: Measurements) -> list[str]:
    """Say in a few sentences what measurements mean; one for each of at most six points.

    Which network is best and by how much; which cannot be told apart; which is best in each
    family of transformations; what the first breaks under first; and what to do next. Nothing is
    said that an interval or a paired test does not carry.

    Args:
        one: Measurements.

    Returns:
        The sentences; none if nothing was ranked.

    Example:
        >>> import keras, numpy as np
        >>> from evaluation import evaluate
        >>> from evaluation.reporting.answer import answer
        >>> chain = [keras.layers.GlobalAveragePooling2D(), keras.layers.Dense(2)]
        >>> model = keras.Sequential([keras.Input((8, 8, 1)), *chain], name="average")
        >>> images = np.random.default_rng(0).random((20, 8, 8, 1), np.float32)
        >>> for line in answer(evaluate(model, images, "horizontal_flip", preprocessing="unit")):
        ...     print(line)
        Without a place: average, which gives one class to all images.
    """
    if one.ranking.empty:
        unordered = any(network.task == "regression" for network in one.protocol.networks)
        return [_UNORDERED] if unordered else []
    boundaries = [str(boundary) for boundary in one.ranking["boundary"].unique()]
    names = shown_names(one.ranking["model"].unique())
    first = one.ranking[one.ranking["boundary"] == boundaries[0]]
    said = _of_boundary(first, names, one, boundaries[0])
    for boundary in boundaries[1:]:
        placed, _ = _placed(one.ranking[one.ranking["boundary"] == boundary])
        if len(placed):
            said.append(f"With the boundary {boundary}: {_best(placed, names, one)[0]}")
    if len(boundaries) > 1 and said:
        said[0] = f"With the boundary {boundaries[0]}: {said[0]}"
    return _fitting([*said, *_next(_placed(first)[0], first, names, one)])


def _fitting(said: list[str]) -> list[str]:
    """Leave out what the places say too, then what comes last, beyond ten lines of 80 columns."""
    for spare in (_TIES, "With the boundary", "Without a place", "Next"):
        if sum(len(textwrap.wrap(line, _WIDTH)) for line in said) <= _LINES:
            break
        said = [line for k, line in enumerate(said) if not k or not line.startswith(spare)]
    return said


def _placed(here: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the networks that have a place, the first first, and those that have none."""
    order = here[here["family"] == ""].sort_values("value", ascending=False, kind="stable")
    has_place = (order["apart"] == "") & order["value"].notna() & order["place"].notna()
    return order[has_place], order[~has_place]


def _of_boundary(
    here: pd.DataFrame, names: Mapping[str, str], one: Measurements, boundary: str
) -> list[str]:
    placed, apart = _placed(here)
    said = []
    if len(placed):
        said += _best(placed, names, one)
        said += _families(here[here["model"].isin(placed["model"])], names)
        said += _breaks(placed["model"].iloc[0], names, first_breaks(one, boundary))
    reasons = apart["apart"].where(apart["apart"] != "", "has no image that counts")
    for reason, rows in apart.groupby(reasons, sort=False):
        said.append(
            f"Without a place: {_listed([names[m] for m in rows['model']])}, which {reason}."
        )
    return said


def _best(placed: pd.DataFrame, names: Mapping[str, str], one: Measurements) -> list[str]:
    """Say who is first, by how much, and who cannot be told apart from whom."""
    first = placed.iloc[0]
    value = f"{_share(first, one)}"
    if len(placed) == 1:
        return [f"{names[first['model']]} {value}."]
    second, others = placed.iloc[1], placed.iloc[1:]
    ahead = (
        f"{second['behind']:.3f} more than {names[second['model']]} ({_ends(second, 'behind_')})"
    )
    n = int(first["n"])
    if first["last_place"] == 1:
        said = [f"Best of {len(placed)}: {names[first['model']]}. It {value}, {ahead}."]
    else:
        rivals = others[others["place"] <= first["last_place"]]["model"]
        listed = _listed([names[model] for model in rivals] or [names[second["model"]]])
        said = [
            f"First, but not surely the best: {names[first['model']]}. It {value}. With {n} images "
            f"it cannot be told apart from {listed}."
        ]
    ties = {
        ends: [names[model] for model in rows["model"]]
        for ends, rows in others[others["place"] > 1].groupby(["place", "last_place"])
        if len(rows) > 1 and rows["place"].iloc[0] < rows["last_place"].iloc[0]
    }
    if ties:
        listed = "; ".join(_listed(tied) for tied in list(ties.values())[:2])
        said.append(f"{_TIES} of each other with {n} images: {listed}.")
    return said


def _share(row: pd.Series, one: Measurements) -> str:
    """Say what share of the images a network keeps, with its interval."""
    task = one.protocol.networks[0].task
    labelled = "labels" in one.protocol.images.truth
    usual = "is right, and stays right, for {} of the images"
    if not labelled:
        usual = "keeps the class of {} of the images"
    words = _SHARES.get(task, usual).format(f"{row['value']:.2f}")
    unknown = "" if labelled or task in _SHARES else ", be it right or not"
    return f"{words} ({_ends(row)}){unknown}"


def _ends(row: pd.Series, prefix: str = "") -> str:
    low, high = row[f"{prefix}low"], row[f"{prefix}high"]
    if pd.isna(low):
        return "too few images for an interval"
    digits = 3 if prefix else 2
    return f"{low:.{digits}f}–{high:.{digits}f}"


def _families(here: pd.DataFrame, names: Mapping[str, str]) -> list[str]:
    """Say which network is best under each family; of several, whether that is surely so."""
    best: list[str] = []
    single = here["model"].nunique() == 1
    for family, rows in here[here["family"] != ""].groupby("family", sort=False):
        rows = rows.sort_values("value", ascending=False, kind="stable")
        close = (~_surely_behind(rows)[1:]).sum()
        tied = f", {close} tied" if close else ""
        value, name = f"{rows['value'].iloc[0]:.2f}", names[rows["model"].iloc[0]]
        best.append(f"{family} {value}" if single else f"{family} {name} ({value}{tied})")
    if single:
        return [f"By family: {', '.join(best)}."] if len(best) > 1 else []
    return [f"Best under {'; '.join(best)}."] if best else []


def _surely_behind(rows: pd.DataFrame) -> np.ndarray:
    """Return which networks are surely behind the first of a family.

    The first was chosen by the same images, from all pairs: intervals are widened for as many
    (Bonferroni). Where there is no interval, nothing is sure.
    """
    pairs = max(len(rows) * (len(rows) - 1) / 2, 1)
    wider = ndtri(1 - (1 - CONFIDENCE) / 2 / pairs) / ndtri(0.5 + CONFIDENCE / 2)
    half = (rows["behind"] - rows["behind_low"]) * wider
    return np.asarray(rows["behind"] - half > 0)


def _breaks(model: str, names: Mapping[str, str], breaks: Mapping[str, Break | str]) -> list[str]:
    found = breaks.get(model)
    if found == SURELY_HOLDS:
        return [f"{names[model]} holds at every strength measured ({KEPT:g} or more surely stay)."]
    if found is None or found == UNSURE:
        return []
    return [f"{names[model]} breaks first under {found}."]


def _next(
    placed: pd.DataFrame, here: pd.DataFrame, names: Mapping[str, str], one: Measurements
) -> list[str]:
    """Say what would decide more, and what would make the first better."""
    advice = []
    groups = configurations(one.protocol.networks).values()
    single = any(len(group) == 1 for group in groups)
    ours = all("architecture" in network.metadata for network in one.protocol.networks)
    if len(placed) > 1 and single:
        seeds = " (python -m training --seeds 0 1 2)" if ours else ""
        whose = "these" if all(len(group) == 1 for group in groups) else "some"
        advice.append(f"train several seeds{seeds}, as {whose} are single trainings")
    if len(placed):
        # What is mirrored may be another thing, as letters and digits are: that is no weakness.
        first = here[here["model"] == placed["model"].iloc[0]]
        first = first[~first["family"].isin(["", "flip"])]
        first = first.sort_values("value")
        if len(first) > 1 and first["high"].iloc[0] < KEPT:
            weak = first.iloc[0]
            family = str(weak["family"])
            mend = _mend(str(weak["model"]), family, one) if ours else "train it with that varied"
            advice.append(
                f"{names[weak['model']]} is weakest under {family} ({weak['value']:.2f}): {mend}"
            )
    return [f"Next: {'; '.join(advice)}."] if advice else []


def _mend(model: str, family: str, one: Measurements) -> str:
    """Say what may help a network of this zoo under a family of transformations."""
    member = configurations(one.protocol.networks)[model][0]
    known = member.metadata.get("training", {})
    varied = known.get("augmentation", ()) if isinstance(known, dict) else ()
    augmentation, better = _AUGMENTATION.get(family), _ARCHITECTURES.get(family)
    if augmentation in varied:
        other = f", or try {better}" if better else ""
        return f"vary it more in training{other}"
    how = f" (--augmentation {augmentation})" if augmentation else ""
    return f"train it with that varied{how}"


def _listed(names: Sequence[str]) -> str:
    """List names in words, the first of many."""
    if len(names) > _NAMED + 1:
        return f"{', '.join(names[:_NAMED])} and {len(names) - _NAMED} others"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
