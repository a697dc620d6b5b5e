"""Taking values out of a parsed data set, which pydicom converts only when they are asked for."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tumorboard.errors import TumorboardError, UnreadableFile

__all__ = ["taking_values"]


@contextmanager
def taking_values(path: Path) -> Iterator[None]:
    """Within this, a value that pydicom cannot convert makes the file unreadable, by name.

    pydicom also warns of values that break the rules of writing (a UID with a leading zero): those that
    matter are judged by the readers, so the warnings are silenced.

    Raises
    ------
    UnreadableFile
        In place of whatever the conversion raised; our own errors pass.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            yield
        except TumorboardError:
            raise
        except Exception as error:
            text = " ".join(str(error).split())[:200]
            raise UnreadableFile(
                f"values of {path.name} must be readable as their kind; {type(error).__name__}: {text}; "
                "export the file again"
            ) from error
