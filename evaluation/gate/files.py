"""Requirements in a TOML file."""

import tomllib
from pathlib import Path

from evaluation.gate.requirements import Requirement, parse
from zoo.support.plain import plain


def read_requirements(path: Path) -> list[Requirement]:
    """Read the requirements in a TOML file: a list of texts called `require`.

    Raises:
        OSError: If there is no such file.
        ValueError: If it has another form, or one of its requirements has.

    Example:
        >>> import tempfile
        >>> from pathlib import Path
        >>> from evaluation.gate.files import read_requirements
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     path = Path(folder) / "gate.toml"
        ...     _ = path.write_text('require = ["accuracy >= 0.9", "accuracy under hue >= 0.8"]')
        ...     [one.transformation for one in read_requirements(path)]
        ['', 'hue']
    """
    shown = plain(path)
    try:
        content = tomllib.loads(path.read_text(encoding="utf-8"))
    except ValueError as error:  # of TOML, or of UTF-8
        raise ValueError(f"expected a TOML file, {shown} is none: {plain(error)}") from error
    others = sorted(set(content) - {"require"})
    texts = content.get("require", [])
    right = isinstance(texts, list) and texts and all(isinstance(text, str) for text in texts)
    if others or not right:
        received = f"also {plain(', '.join(others))}" if others else "something else"
        raise ValueError(
            f'expected require = ["…", "…"] alone in {shown}, received {received}: '
            "write each requirement as a text of this list"
        )
    found = []
    for number, text in enumerate(texts, 1):
        try:
            found.append(parse(text))
        except ValueError as error:
            raise ValueError(f"{error} (requirement {number} in {shown})") from error
    return found
