"""What the command `check` judges: stored measurements, or models that are measured first."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluation.commands.check import Check
from evaluation.commands.shown import load_shown, path_of, store, transformations_of
from evaluation.commands.shown_images import Wanted, images_for, wanted_by
from evaluation.gate.deciding import decide
from evaluation.gate.measured import Subject, quantity
from evaluation.gate.requirements import Requirement
from evaluation.gate.strengths import chosen_strengths, curve_of, listed
from evaluation.gate.verdicts import Asked, Verdict, judge
from evaluation.protocol import describe
from evaluation.results import Measurements
from evaluation.scores.definitions import Definition
from evaluation.scores.score_table import FLOOR
from evaluation.scores.table import NOISE, REPEATS, SCORES
from evaluation.statistics.stopping import looks
from zoo.support.plain import plain
from zoo.support.references import referred
from zoo.support.terminal import progress_bar

if TYPE_CHECKING:
    from evaluation.networks.network import Network
    from zoo.transformations import Transformation


def judged(requirements: Sequence[Requirement], command: Check) -> tuple[list[Verdict], str]:
    """Return the verdicts on the models of a command, and in words what these were shown.

    TensorFlow is imported only if one of them is to be run.

    Raises:
        ValueError: If something was not measured, or models cannot be compared.
    """
    own = {d.name: d for d in map(referred, command.scores) if isinstance(d, Definition)}
    sources = [*command.models, *([] if command.baseline is None else [command.baseline])]
    records = {source: Measurements.open(source) for source in sources if _is_record(source)}
    to_run = [source for source in sources if source not in records]
    if command.decide and records:
        raise ValueError(
            f"expected models with --decide, received stored measurements ({listed(list(records))})"
            ": no more images can be shown to them, leave out --decide or give the models"
        )
    if command.decide:
        return _decided(requirements, to_run, own, command)
    found = {source: _stored(record, own) for source, record in records.items()}
    if to_run:
        found |= _measured(requirements, to_run, own, command)
    subjects = [subject for source in command.models for subject in found[source]]
    possible = [] if command.baseline is None else found[command.baseline]
    asked = _asked(requirements, subjects, possible)
    return judge(asked), _shown(subjects)


def _is_record(source: str) -> bool:
    return all((Path(source) / name).is_file() for name in ("protocol.json", "measurements.csv"))


def _stored(record: Measurements, own: dict[str, Definition]) -> list[Subject]:
    return [Subject(record, network.name, own) for network in record.protocol.networks]


def _asked(
    requirements: Sequence[Requirement], subjects: Sequence[Subject], baselines: Sequence[Subject]
) -> list[Asked]:
    """Return each requirement of each model with its quantity."""
    found: list[Asked] = []
    for subject in subjects:
        for requirement in requirements:
            baseline = _baseline(subject, baselines) if requirement.drop else None
            against = baseline.network if baseline else ""
            measured = quantity(requirement, subject, baseline)
            found.append((requirement, subject.network, against, measured))
    return found


def _baseline(subject: Subject, baselines: Sequence[Subject]) -> Subject:
    """Return the baseline of a model: the only one, or that of its own name."""
    same = [one for one in baselines if one.network == subject.network]
    if len(baselines) == 1 or len(same) == 1:
        return same[0] if same else baselines[0]
    raise ValueError(
        f"expected one baseline, or one of several called {plain(subject.network)}, received "
        f"{listed([one.network for one in baselines])}: store each in a folder of its own"
    )


def _shown(subjects: Sequence[Subject]) -> str:
    shown = (one.measurements.protocol.images for one in subjects)
    return "; ".join(dict.fromkeys(f"{images.n} of {images}" for images in shown))


def _loaded(sources: Sequence[str], command: Check) -> list[tuple["Network", Wanted]]:
    """Return the networks in the order of their sources, with the images that they want."""
    networks = load_shown([path_of(source, command.saved_models) for source in sources], command)
    infos = [network.info for network in networks]
    wanted = [wanted_by(i.name, i.metadata, i.input_shape, command) for i in infos]
    return list(zip(networks, wanted, strict=True))


def _measured(
    requirements: Sequence[Requirement],
    sources: Sequence[str],
    own: dict[str, Definition],
    command: Check,
) -> dict[str, list[Subject]]:
    """Measure models; those that want the same images are measured together."""
    loaded = _loaded(sources, command)
    transformations = _transformations(requirements, command)
    from evaluation.verbs import evaluate

    found: dict[str, list[Subject]] = {}
    for wanted in dict.fromkeys(wanted for _, wanted in loaded):
        members = [network for network, its in loaded if its == wanted]
        dataset = images_for(members, wanted, command)
        with progress_bar(f"{len(members)} models on {dataset.name}") as update:
            measured = evaluate(
                members,
                dataset,
                transformations,
                scores=[referred(name) for name in command.scores] or None,
                directory=store(command),
                batch_size=command.batch_size,
                progress=update,
            )
        for source, (network, its) in zip(sources, loaded, strict=True):
            if its == wanted:
                found[source] = [Subject(measured, network.name, own)]
    return found


def _decided(
    requirements: Sequence[Requirement],
    sources: Sequence[str],
    own: dict[str, Definition],
    command: Check,
) -> tuple[list[Verdict], str]:
    """Measure models on more and more images until all requirements are decided."""
    loaded = _loaded(sources, command)
    transformations = _transformations(requirements, command)
    from evaluation.networks.probing import probed
    from evaluation.scores.scoring import score
    from evaluation.sweeping.growing import growing
    from evaluation.sweeping.sweep import KEPT

    several = dict.fromkeys(wanted for _, wanted in loaded)
    if len(several) > 1:
        raise ValueError(
            "expected models that take the same images with --decide, these take "
            f"{listed(list(several))}: choose --dataset or --data, or check them one by one"
        )
    dataset = images_for([network for network, _ in loaded], next(iter(several)), command)
    networks = probed([network for network, _ in loaded], dataset)
    scores = [referred(name) for name in command.scores] or None
    used: list[Subject] = []
    schedule = looks(len(dataset))

    def looked() -> Iterator[tuple[list[Asked], float]]:
        with progress_bar(f"{len(networks)} models on {dataset.name}") as update:
            swept = growing(
                networks,
                dataset,
                transformations,
                store(command),
                [size for size, _ in schedule],
                floors=any(map(_needs_floors, requirements)),
                keep={*KEPT}.union(*(definition.needs for definition in own.values())),
                batch_size=command.batch_size,
                progress=update,
            )
            for predictions, (_, confidence) in zip(swept, schedule, strict=False):
                measured = score(predictions, scores)
                used[:] = [Subject(measured, network.name, own) for network in networks]
                models, baselines = used[: len(command.models)], used[len(command.models) :]
                yield _asked(requirements, models, baselines), confidence

    verdicts = decide(looked())
    return verdicts, f"{_shown(used)}, of {len(dataset)}"


def _needs_floors(requirement: Requirement) -> bool:
    """Say whether a requirement reads floors or float noise, which are measured together."""
    name = requirement.score
    known = SCORES.get(name)
    noisy = name in (NOISE.name, REPEATS.name) or (known is not None and "noise" in known.reads)
    return noisy or requirement.above_floor or name.endswith(FLOOR)


def _transformations(requirements: Sequence[Requirement], command: Check) -> list["Transformation"]:
    """Return the transformations to measure: the chosen ones, else those of the requirements.

    Raises:
        ValueError: If one is not known, or has no strength that a requirement is about.
    """
    from zoo.transformations import TRANSFORMATIONS

    found: dict[Any, Transformation] = {}
    if command.transformations:
        found = {(t.name, t.boundary): t for t in transformations_of(command)}
    for one in [] if command.transformations else requirements:
        if one.transformation:
            name, _, named = one.transformation.partition(".")
            boundary = one.boundary or named or command.boundary
            chosen: Any = {"transformations": (name,), "boundary": boundary}
            (made,) = transformations_of(replace(command, **chosen))
            found[made.name, made.boundary] = made
    if command.strengths and len(found) > 1:
        raise ValueError(
            f"expected one transformation with --strengths, received {listed(list(found))}"
        )
    infos = [describe(replace(t, strengths=_grid(t))) for t in found.values()]
    for one in requirements:
        if one.transformation:
            chosen_strengths(one, curve_of(one, infos))
    if not found:  # only the identity is asked for
        return [replace(TRANSFORMATIONS["brightness"], strengths=(0,))]
    return list(found.values())


def _grid(transformation: "Transformation") -> tuple[Any, ...]:
    return tuple(sorted({transformation.identity, *transformation.strengths}))
