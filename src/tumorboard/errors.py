"""Every error this package raises on purpose.

::

    * TumorboardError
      + InputError          the caller passed something we cannot use (also a ValueError)
        - UnitError         the magnitude says the unit is wrong
        - GridMismatch      two images do not share a grid
        - MissingAttribute  a file or noun lacks an attribute that the result needs
        - GeometryError     slices or contours do not make one regular volume
        - UnreadableFile    a file is broken, hostile or of a kind we do not read
      + MissingData         a table, model weight or file is not installed
      + NotConverged        an iteration stopped before its tolerance

A message has four parts: the name, the rule with its unit, the value got, the way out.
"""

__all__ = [
    "GeometryError",
    "GridMismatch",
    "InputError",
    "MissingAttribute",
    "MissingData",
    "NotConverged",
    "TumorboardError",
    "UnitError",
    "UnreadableFile",
]


class TumorboardError(Exception):
    """Base of all errors raised by this package."""


class InputError(TumorboardError, ValueError):
    """The caller passed a value that cannot be used."""


class UnitError(InputError):
    """A value's magnitude is impossible in the documented unit."""


class GridMismatch(InputError):
    """Two images that must share a grid do not."""


class MissingAttribute(InputError):
    """An attribute without which the result would be a guess is absent."""


class GeometryError(InputError):
    """Slices or contours do not make one regular volume."""


class UnreadableFile(InputError):
    """A file is broken, hostile, or of a kind this package does not read."""


class MissingData(TumorboardError):
    """A reference table, model weight or file is not installed."""


class NotConverged(TumorboardError):
    """An iteration stopped before it met its tolerance."""
