"""What measurements say, in words."""

from evaluation.protocol import Protocol


def stopping_in_words(protocol: Protocol) -> str:
    """Say how many images a precision took, or that all of them are too few.

    Args:
        protocol: Of measurements to a precision.
    """
    found = protocol.stopping
    asked = f"±{found['precision']:g}"
    if found["reached"]:
        return f"{found['images']:,} of {found['available']:,} images were needed for {asked}"
    why = (
        f"too few images count for {found['far']}"
        if found["distance"] is None
        else f"{found['far']} is known to ±{found['distance']:.2g}"
    )
    return f"all {found['available']:,} images were used and {asked} was not reached: {why}"
