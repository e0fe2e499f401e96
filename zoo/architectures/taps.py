"""The names of the layers whose outputs are the feature maps of every architecture."""


def is_tap(name: str) -> bool:
    """Return whether a layer's name is a tap: `stem`, `stage1` …, `pre_logits` or `logits`."""
    stage = name.removeprefix("stage")
    return name in ("stem", "pre_logits", "logits") or (stage != name and stage.isdigit())
