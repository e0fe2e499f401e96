"""An immutable mapping of choices by name, with which a configuration is hashable."""

from collections.abc import Iterator, Mapping
from typing import Any


class Choices(Mapping[str, Any]):
    """An immutable, hashable mapping from names to plain values: numbers, booleans and strings.

    Sequences of these become tuples, so that choices read back from JSON equal those written.
    """

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        """Copy a mapping.

        Raises:
            ValueError: If a value is neither plain nor a sequence of plain values.
        """
        self._content = {name: _plain(name, value) for name, value in (content or {}).items()}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name."""
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order in which they were given."""
        return iter(self._content)

    def __len__(self) -> int:
        """Return the number of names."""
        return len(self._content)

    def __hash__(self) -> int:
        """Return a hash that ignores the order of names, as equality does."""
        return hash(frozenset(self._content.items()))

    def __repr__(self) -> str:
        """Return the text of an equal dictionary."""
        return repr(self._content)


def _plain(name: str, value: Any) -> Any:
    """Return a value with sequences as tuples, after checking that JSON and a hash can hold it."""
    if isinstance(value, list | tuple):
        return tuple(_plain(name, item) for item in value)
    if not isinstance(value, bool | int | float | str):
        raise ValueError(
            f"expected {name} as a number, a boolean, a string or a sequence of these, "
            f"received {value!r}"
        )
    return value
