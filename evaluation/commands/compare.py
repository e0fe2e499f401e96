"""`python -m evaluation compare`: by how much models differ, and whether it is chance."""

from dataclasses import dataclass

import tyro

from evaluation.commands.shown import Shown, path_of, store, transformations_of
from evaluation.commands.shown_images import data_of, load_images
from zoo.support.terminal import console, progress_bar


@dataclass(frozen=True)
class CompareModels(Shown):
    """Say by how much B answers better than A, on the same images, and whether it is chance."""

    a: tyro.conf.Positional[str] = tyro.MISSING
    """A model: a path, or the name of a run."""
    b: tyro.conf.Positional[str] = tyro.MISSING
    """Another model."""
    others: tyro.conf.Positional[tuple[str, ...]] = ()
    """More models, each compared with A as well."""


def compare_models(command: CompareModels) -> None:
    """Compare models with the first of them on the images of all.

    Raises:
        ValueError: If they were trained on different data and none was asked for.
    """
    from evaluation.networks.network import load_networks
    from evaluation.reporting.differences import differences
    from evaluation.verbs import compare

    paths = [path_of(p, command.saved_models) for p in (command.a, command.b, *command.others)]
    with console.status("loading …"):
        networks = load_networks(paths)
    data = {data_of(network.name, network.info.metadata, command) for network in networks}
    if len(data) > 1:
        names = " and ".join(sorted(f"{name} ({placement})" for name, placement in data))
        raise ValueError(f"expected models of one dataset, these are of {names}: choose --dataset")
    dataset = load_images(*data.pop(), command)
    with progress_bar("comparing") as update:
        frame = compare(
            networks,
            dataset,
            transformations_of(command),
            directory=store(command),
            batch_size=command.batch_size,
            progress=update,
        )
    where = f"{len(dataset)} images of {dataset.name}, {dataset.split} split"
    console.print(differences(frame, where))
