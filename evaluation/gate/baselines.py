"""Baselines: only what was shown the same may be compared."""

from evaluation.gate.requirements import Requirement
from evaluation.gate.strengths import quoted
from evaluation.protocol import Protocol, TransformationInfo
from zoo.support.plain import plain


def check_same(
    requirement: Requirement, info: TransformationInfo, ours: Protocol, theirs: Protocol
) -> None:
    """Refuse a baseline that was not shown the same images under the same transformation.

    Args:
        requirement: The requirement, for the message.
        info: The transformation that it is about, as in `ours`.
        ours: The protocol of the model.
        theirs: That of the baseline.

    Raises:
        ValueError: With the difference.
    """
    if ours.images.fingerprint != theirs.images.fingerprint:
        described = [f"{i.n} of {i} ({i.fingerprint[:12]})" for i in (ours.images, theirs.images)]
        raise ValueError(
            f"expected the same images for the model and its baseline in {quoted(requirement)}, "
            f"received {plain(described[0])} and {plain(described[1])}: measure both on the same"
        )
    same = [other for other in theirs.transformations if other.key == info.key]
    if not same or same[0] != info:
        received = "none of this name and boundary"
        if same:
            keys = sorted({*info.spec, *same[0].spec})
            pairs = ((key, info.spec.get(key), same[0].spec.get(key)) for key in keys)
            changed = [f"{key} {a} and {b}" for key, a, b in pairs if a != b]
            received = "; ".join(changed) or "another description"
        raise ValueError(
            f"expected {plain(info.name)} to be the same for the model and its baseline in "
            f"{quoted(requirement)}, received {plain(received)}: measure both in the same way"
        )
