"""What measurements say, in words."""

from evaluation.protocol import Protocol


def protocol_in_words(protocol: Protocol) -> str:
    """Say in a line what was shown to whom, when and with what.

    Args:
        protocol: Of measurements.
    """
    images = protocol.images
    height, width, channels = images.frame
    floors = "with resampling floors" if protocol.floors else "without resampling floors"
    versions = ", ".join(
        f"{name} {protocol.versions[name]}"
        for name in ("invariance-zoo", "tensorflow", "keras")
        if name in protocol.versions
    )
    return (
        f"{images}: {images.n:,} images {height}×{width}×{channels} ({images.fingerprint[:12]}) "
        f"under {len(protocol.transformations)} transformations, {floors}, shown to "
        f"{len(protocol.networks)} networks on {protocol.date}; {versions}; {protocol.processor}"
    )


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
