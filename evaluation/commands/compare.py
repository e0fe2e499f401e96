"""The subcommand `python -m evaluation compare`: measure by how much models differ."""

from dataclasses import dataclass

import tyro

from evaluation.commands.shown import Shown, path_of, store, transformations_of
from evaluation.commands.shown_images import data_of, input_of, load_images
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


def compare_models(command: CompareModels) -> None:
    """Compare models with the first one, on the images they were trained for.

    Raises:
        ValueError: If they were trained on different data and no dataset is chosen.
    """
    from evaluation.networks.network import load_networks
    from evaluation.reporting.differences import differences
    from evaluation.verbs import compare

    paths = [path_of(p, command.saved_models) for p in (command.a, command.b, *command.others)]
    with console.status("loading …"):
        networks = load_networks(paths, preprocessing=input_of(command), trust=command.trust)
    data = {data_of(network.name, network.info.metadata, command) for network in networks}
    if len(data) > 1:
        names = " and ".join(sorted(f"{name} ({placement})" for name, placement in data))
        raise ValueError(
            f"expected models trained on one dataset, these were trained on {names}: choose "
            "--dataset and --placement"
        )
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
