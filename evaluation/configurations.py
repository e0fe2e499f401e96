"""Groups of networks that are one configuration, trained with several seeds."""

import json
from collections.abc import Sequence

from evaluation.protocol import NetworkInfo


def configurations(networks: Sequence[NetworkInfo]) -> dict[str, list[NetworkInfo]]:
    """Group the networks whose training settings differ only in the seed.

    Args:
        networks: The networks; one whose metadata has no training settings forms its own group.

    Returns:
        The members of each group by its name, in the order of their first members. A group of one
        has the name of its network.

    Example:
        >>> from evaluation.configurations import configurations
        >>> from evaluation.protocol import NetworkInfo
        >>> def trained(seed, epochs=5):
        ...     training = {"epochs": epochs, "seed": seed, "name": None}
        ...     name = f"net-{epochs}-seed{seed}"
        ...     return NetworkInfo(name, "classification", (8, 8, 1), 2, "", {"training": training})
        >>> found = configurations([trained(0), trained(1), trained(0, epochs=9)])
        >>> {name: len(members) for name, members in found.items()}
        {'net-5, 2 seeds': 2, 'net-9-seed0': 1}
    """
    groups: dict[str, list[NetworkInfo]] = {}
    for network in networks:
        groups.setdefault(_key(network), []).append(network)
    return {_name(members): members for members in groups.values()}


def _key(network: NetworkInfo) -> str:
    training = network.metadata.get("training")
    if not isinstance(training, dict) or "seed" not in training:
        return f"name {network.name}"
    decisive = {name: value for name, value in training.items() if name not in ("seed", "name")}
    return json.dumps([network.task, decisive], sort_keys=True)


def _name(members: Sequence[NetworkInfo]) -> str:
    first = members[0]
    if len(members) == 1:
        return first.name
    return f"{first.name.removesuffix('-seed' + str(first.metadata['training']['seed']))}, " + (
        f"{len(members)} seeds"
    )
