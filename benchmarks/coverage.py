"""`python -m benchmarks.coverage`: do the intervals of every score cover, of real predictions?

It sweeps networks with the zoo's weights over 1,000 MNIST test images, which must be there already
(`TFDS_DATA_DIR`), and takes these images for the world: what they come to is the truth. Then it
draws some of them with replacement, again and again, and counts how often the interval of a score
has the truth inside. That images are hard or easy at all strengths alike, that few of them are
wrong, and that values heap at a bound is so as real. `docs/coverage.md` has the table, in Markdown.

It takes minutes and asserts nothing, so that it is not among the parts of `python -m benchmarks`.
"""

import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path

import numpy as np

import zoo
from evaluation.networks.network import load_model
from evaluation.protocol import TransformationInfo
from evaluation.scores.definitions import Combined, Score
from evaluation.scores.functions.summaries import consistency, normalized_variance
from evaluation.scores.observations import Observations
from evaluation.scores.table import SUMMARIES
from evaluation.statistics.intervals import percentiles, resampled_means, wilson
from evaluation.statistics.means import difference_interval, influence, interval, mean_interval
from evaluation.sweeping.predictions import Predictions
from evaluation.sweeping.sweep import KEPT, sweep
from zoo.datasets import load
from zoo.support.processor import processor
from zoo.support.terminal import quiet_start
from zoo.transformations import TRANSFORMATIONS

_NETWORKS = ("plain_cnn", "mlp", "fcn", "detector")
_GRIDS = {
    "translation_x": (-8, -4, -2, 0, 2, 4, 8),
    "rotation": (-45, -20, -10, 0, 10, 20, 45),
    "brightness": (-50, -25, 0, 25, 50),
}
_SHOWN = {"translation_x": (2, 8), "rotation": (10, 45), "brightness": (-50, 25)}
_IMAGES = 1000
_SAMPLES = (50, 200, 1000)
_EXPERIMENTS, _FEW = 2000, 300  # the few are of bootstraps
_RESAMPLES = 1000

_Ends = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True)
class Case:
    """A score of one network under one transformation, at one strength or over all.

    Attributes:
        score: Its name.
        where: The network, the transformation and, if there is one, the strength.
        values: What images contribute, `(N, C)`, or with their strengths `(N, S, U)`.
        truth: The value of all of them.
        bounds: The smallest and the largest possible value.
        proportion: Whether values are 0 or 1.
        combined: How averages are combined, if they are.
        paired: Whether values are differences between two networks.
    """

    score: str
    where: str
    values: np.ndarray
    truth: float
    bounds: tuple[float, float] = (0, 1)
    proportion: bool = False
    combined: Combined | None = None
    paired: bool = False

    @property
    def method(self) -> str:
        """The name of its interval."""
        if self.values.ndim == 3:
            return "bootstrap"
        if self.combined and self.combined.interval and "worst" in self.score:
            return "mid-P, Bonferroni"
        if self.proportion:
            return "Wilson"
        if self.paired:
            return "Student, enlarged"
        return "effective number" if np.isfinite(self.bounds).all() else "Student, enlarged"

    @property
    def experiments(self) -> int:
        """How often images are drawn."""
        return _FEW if self.values.ndim == 3 else _EXPERIMENTS

    def now(self, drawn: np.ndarray) -> _Ends:
        """Return the intervals of samples of images `(n, experiments)`."""
        if self.values.ndim == 2 and not self.combined:
            values = self.values[drawn, 0]
            if self.paired:
                return difference_interval(values, width=self.bounds[1])
            if not self.proportion:
                return mean_interval(values, bounds=self.bounds)
            return wilson(np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0))
        low, high = np.array([self._one(self.values[sample]) for sample in drawn.T]).T
        return low, high

    def _one(self, values: np.ndarray) -> tuple[float, float]:
        if not self.combined:
            found = normalized_variance(list(values.transpose(1, 0, 2)))
            return found["low"], found["high"]
        if self.combined.interval:
            return self.combined.interval(values)
        value, deviations, n = influence(values, self.combined.combine)
        low, high = interval(
            np.array([value]), deviations[:, None], np.array([float(n)]), bounds=self.bounds
        )
        return float(low[0]), float(high[0])

    def before(self, drawn: np.ndarray) -> _Ends | None:
        """Return the percentile bootstrap of the same samples; None if nothing has changed."""
        if self.proportion or self.values.ndim == 3:
            return None
        values = self.values[drawn]
        resampled = resampled_means(values.reshape(len(drawn), -1), resamples=_RESAMPLES)
        if self.combined:
            resampled = self.combined.combine(resampled.reshape(_RESAMPLES, *values.shape[1:]))
        return percentiles(resampled)


def main() -> None:
    """Print the table."""
    start = time.perf_counter()
    with quiet_start(), tempfile.TemporaryDirectory() as directory:
        cases = [case for case in _cases(_swept(Path(directory))) if _varies(case)]
    by_score: dict[str, list[Case]] = {}
    for case in cases:
        by_score.setdefault(case.score, []).append(case)
    print("| score | interval | images | cases | coverage | width | before | width | least in |")
    print("|---|---|--:|--:|--:|--:|--:|--:|---|")
    for members in by_score.values():
        for images in _SAMPLES[: 2 if members[0].values.ndim == 3 else 3]:
            print(_line(members, images), flush=True)
    minutes = (time.perf_counter() - start) / 60
    print(f"\n{len(cases)} cases in {minutes:.1f} minutes on {processor()}")


def _swept(directory: Path) -> Predictions:
    dataset = load("mnist", "test", limit=_IMAGES)
    networks = [load_model(zoo.create(name, weights="mnist"), name=name) for name in _NETWORKS]
    transformations = [
        replace(TRANSFORMATIONS[name], strengths=strengths) for name, strengths in _GRIDS.items()
    ]
    keep = {*KEPT, "map"}
    return sweep(networks, dataset, transformations, directory, keep=keep, floors=False)


def _cases(predictions: Predictions) -> Iterator[Case]:
    for network in predictions.networks:
        observed = Observations(predictions, network)
        for info in predictions.transformations:
            yield from _of_strengths(observed, info)
            yield from _of_curve(observed, info)
    for info in predictions.transformations:
        yield from _differences(predictions, info)


def _of_strengths(observed: Observations, info: TransformationInfo) -> Iterator[Case]:
    """Yield the scores of single strengths; combined ones of classifiers, at one strength."""
    scores = [d for d in observed.admitted() if isinstance(d, Score | Combined)]
    for strength in _SHOWN[info.name]:
        where = f"{observed.network.name}, {info.name} {strength}"
        for score in scores:
            values = observed.at(info, strength, [score])[score.name].astype(float)
            if isinstance(score, Score):
                truth = np.nanmean(values) if not np.isnan(values).all() else np.nan
                yield Case(score.name, where, values, truth, score.range, score.proportion)
            elif observed.network.task == "classification" and strength == _SHOWN[info.name][-1]:
                truth = float(score.combine(values.mean(axis=0)))
                yield Case(score.name, where, values, truth, score.range, combined=score)


def _of_curve(observed: Observations, info: TransformationInfo) -> Iterator[Case]:
    """Yield the summaries."""
    where = f"{observed.network.name}, {info.name}"
    names = {"accuracy", "top1_agreement", "mask_agreement", "box_agreement"}
    names &= {definition.name for definition in observed.admitted()}
    curve = observed.curve(info, observed.over(info, sorted(names)))
    for summary in SUMMARIES.values():
        if summary.per_image and observed.network.task in summary.tasks:
            values = np.asarray(summary.per_image(curve), float)[:, None]
            proportion = bool(np.isin(values, (0, 1)).all())
            yield Case(summary.name, where, values, values.mean(), summary.range, proportion)
    logits = curve.outputs("logits")
    shares = [consistency([at[k : k + 1] for at in logits]) for k in range(len(logits[0]))]
    pairs = np.array([[share["value"]] for share in shares if share])
    yield Case("consistency", where, pairs, pairs.mean())
    if observed.network.task == "classification":
        features = np.stack(curve.outputs("pre_logits"), axis=1)
        value = normalized_variance(list(features.transpose(1, 0, 2)))["value"]
        yield Case("normalized_variance", where, features, value, (0, np.inf))


def _differences(predictions: Predictions, info: TransformationInfo) -> Iterator[Case]:
    """Yield the differences between two networks' means over strengths."""
    for score in ("accuracy", "top1_agreement", "jensen_shannon_distance"):
        means = {}
        for network in predictions.networks:
            curve = Observations(predictions, network).over(info, [score])[score]
            means[network.name] = curve[:, info.others].mean(axis=1, dtype=float)
        for a, b in combinations(means, 2):
            values = (means[b] - means[a])[:, None]
            where = f"{b} − {a}, {info.name}"
            yield Case(f"difference of {score}", where, values, values.mean(), paired=True)


def _varies(case: Case) -> bool:
    """Say whether there is a truth, and images differ: else every interval has it inside."""
    spread = np.nanmax(case.values, axis=0) > np.nanmin(case.values, axis=0)
    return bool(np.isfinite(case.truth) and spread.any())


def _line(cases: Iterable[Case], images: int) -> str:
    """Return a score's row: the least and the median coverage, the mean width, the least case."""
    members, found, earlier = list(cases), [], []
    for k, case in enumerate(members):
        drawn = np.random.default_rng(100 + k).integers(
            0, len(case.values), (images, case.experiments)
        )
        found.append(_judged(case.truth, case.now(drawn)))
        if (ends := case.before(drawn[:, :_FEW])) is not None:
            earlier.append(_judged(case.truth, ends))
    cells = [members[0].score, members[0].method, f"{images:,}", str(len(members))]
    cells += _cells(found)
    cells += _cells(earlier) if earlier else ["the same", ""]
    least = members[int(np.nanargmin([covered for covered, _ in found]))]
    cells.append(f"{least.where}: {least.truth:.4f}")
    return f"| {' | '.join(cells)} |"


def _judged(truth: float, ends: _Ends) -> tuple[float, float]:
    """Return how many of the intervals there are have the truth inside, and their mean width."""
    low, high = (end[~np.isnan(ends[0])] for end in ends)
    if not len(low):
        return np.nan, np.nan
    # float32 means may differ from the truth by rounding where all images are the same
    return ((low <= truth + 1e-6) & (truth - 1e-6 <= high)).mean(), (high - low).mean()


def _cells(found: list[tuple[float, float]]) -> list[str]:
    covered, width = np.array(found).T
    covered = 100 * covered[~np.isnan(covered)]
    return [f"{covered.min():.1f}, {np.median(covered):.1f}", f"{np.nanmean(width):.3f}"]


if __name__ == "__main__":
    main()
