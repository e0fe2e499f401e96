"""How a training is interrupted, and how it is seen what that left behind."""


class KilledError(Exception):
    """Stands for a kill where nothing that a process leaves behind depends on it."""


def interrupt(epoch, record):
    """End a training after its first epoch."""
    raise KilledError


def contents(folder):
    """Every file under a folder with its bytes."""
    return {p.relative_to(folder): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
