"""The subcommand `python -m evaluation compare`: measure by how much models differ."""

from dataclasses import dataclass

import tyro

from evaluation.commands.shown import Shown, load_shown, path_of, store, transformations_of
from evaluation.commands.shown_images import images_for, wanted_by
from zoo.support.json_output import check_json, write_json
from zoo.support.terminal import console, progress_bar


@dataclass(frozen=True)
class CompareModels(Shown):
    """Measure by how much B is better than A on the same images, and whether that may be chance."""

    a: tyro.conf.Positional[str] = tyro.MISSING
    """A model: a path, or the name of a run."""
    b: tyro.conf.Positional[str] = tyro.MISSING
    """Another model."""
    others: tyro.conf.Positional[tuple[str, ...]] = ()
    """More models, each compared with A as well."""
    json: str | None = None
    """Also write the result as JSON into this file; - prints it, and nothing else."""


def compare_models(command: CompareModels) -> None:
    """Compare models with the first one, on the images they were trained for.

    Raises:
        ValueError: If they were trained on different data and no dataset is chosen.
    """
    check_json(command.json)
    paths = [path_of(p, command.saved_models) for p in (command.a, command.b, *command.others)]
    networks = load_shown(paths, command)
    from evaluation.reporting.differences import differences
    from evaluation.verbs import compare

    data = {
        wanted_by(info.name, info.metadata, info.input_shape, command)
        for info in (network.info for network in networks)
    }
    if len(data) > 1:
        names = " and ".join(sorted(map(str, data)))
        raise ValueError(
            f"expected models that take the same images, these take {names}: choose --dataset and "
            "--placement, or --frame"
        )
    dataset = images_for(networks, data.pop(), command)
    with progress_bar("comparing") as update:
        frame = compare(
            networks,
            dataset,
            transformations_of(command),
            directory=store(command),
            batch_size=command.batch_size,
            progress=update,
        )
    if command.json:
        write_json(frame, command.json)
    if command.json == "-":
        return
    where = f"{len(dataset)} images of {dataset.name}, {dataset.split} split"
    console.print(differences(frame, where))
