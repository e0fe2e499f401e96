"""Choices by name: a mapping that never changes, so that what has it can be a key."""

from collections.abc import Iterator, Mapping
from typing import Any


class Choices(Mapping[str, Any]):
    """An immutable, hashable mapping from names to plain values: numbers, truths and texts.

    Sequences of them become tuples, so that choices read from JSON equal those that were written.
    """

    def __init__(self, content: Mapping[str, Any] | None = None) -> None:
        """Copy a mapping.

        Raises:
            ValueError: If a value is not plain.
        """
        self._content = {name: _plain(name, value) for name, value in (content or {}).items()}

    def __getitem__(self, name: str) -> Any:
        """Return the value of a name."""
        return self._content[name]

    def __iter__(self) -> Iterator[str]:
        """Iterate over the names, in the order they were given."""
        return iter(self._content)

    def __len__(self) -> int:
        """Count the names."""
        return len(self._content)

    def __hash__(self) -> int:
        """Hash without regard to order, as mappings are compared."""
        return hash(frozenset(self._content.items()))

    def __repr__(self) -> str:
        """Write it as the dictionary that it was made of."""
        return repr(self._content)


def _plain(name: str, value: Any) -> Any:
    """Return a value that JSON and a hash can hold."""
    if isinstance(value, list | tuple):
        return tuple(_plain(name, item) for item in value)
    if not isinstance(value, bool | int | float | str):
        raise ValueError(
            f"expected {name} as a number, a truth, a text or a sequence of them, "
            f"received {value!r}"
        )
    return value
