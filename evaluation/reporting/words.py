"""Descriptions of protocols in words."""

from evaluation.protocol import INPUTS, NetworkInfo, Protocol


def protocol_in_words(protocol: Protocol) -> str:
    """Describe in one line what was shown to which networks, when, and with which software.

    Args:
        protocol: The protocol of measurements.
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
    """Describe how many images a precision took, or why all of them were too few.

    Args:
        protocol: The protocol of a measurement to a precision.
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


def input_in_words(network: NetworkInfo) -> str:
    """Say what a network was shown, and who says that it takes it; empty if both are usual.

    Example:
        >>> from evaluation import NetworkInfo
        >>> from evaluation.reporting.words import input_in_words
        >>> network = NetworkInfo("net", "classification", (8, 8, 3), 2, "1", preprocessing="tf")
        >>> input_in_words(network)
        'was shown pixels in [-1, 1] (given)'
    """
    if not network.settled:
        return "was shown pixels in [0, 1], but nothing says what it takes"
    if network.preprocessing == "unit" and network.settled != "probe":
        return ""
    shown = INPUTS.get(network.preprocessing, network.preprocessing)
    return f"was shown {shown} ({network.settled})"
