"""Measurements as plain data, for JSON."""

import dataclasses
from typing import Any

from evaluation.reporting.answer import answer
from evaluation.results import Measurements


def as_plain(one: Measurements) -> dict[str, Any]:
    """Return measurements as mappings, lists and tables, without values per image and pictures.

    Args:
        one: Measurements.

    Returns:
        `answer`, the sentences of the answer in words; `protocol`; and the tables `measurements`,
        `configurations`, `ranking` and `position_maps`.
    """
    return {
        "answer": answer(one),
        "protocol": dataclasses.asdict(one.protocol),
        "measurements": one.frame,
        "configurations": one.configurations,
        "ranking": one.ranking,
        "position_maps": one.position_maps,
    }
