"""The figure that notebooks show."""

from matplotlib.figure import Figure

from evaluation.reporting.styles import png


class Drawn(Figure):
    """A figure that a notebook shows, without pyplot and its global state."""

    def _repr_png_(self) -> bytes:
        return png(self)
