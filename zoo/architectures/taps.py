"""The names by which the feature maps of every architecture can be asked for."""


def is_tap(name: str) -> bool:
    """Tell whether a layer's name is that of a tap: `stem`, `stage1` …, `pre_logits`, `logits`."""
    stage = name.removeprefix("stage")
    return name in ("stem", "pre_logits", "logits") or (stage != name and stage.isdigit())
