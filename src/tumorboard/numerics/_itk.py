"""Arrays on the package's grids as SimpleITK's images, and its registrations listened to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from tumorboard.core.grid import Grid

__all__ = ["itk_image", "listened", "sitk"]

#: Half of its wrapped functions carry types, half do not.
sitk: Any = SimpleITK


def itk_image(values: NDArray[np.float32], grid: Grid) -> Any:
    """Return values on a grid with SimpleITK's geometry, whose axes are (x, y, z)."""
    made = sitk.GetImageFromArray(values)
    made.SetSpacing(grid.spacing_mm[::-1].tolist())
    made.SetOrigin(grid.origin_mm.tolist())
    # Columns along array axes (z, y, x) become columns along (x, y, z); ITK stores rows.
    made.SetDirection(grid.direction[:, ::-1].ravel().tolist())
    return made


@contextmanager
def listened(method: Any, at_iteration: Callable[[], None]) -> Iterator[list[float]]:
    """Let a registration run inside, on one thread, and give the metric of each iteration.

    What ``at_iteration`` raises, an interrupt from the keyboard too, ends the registration and is raised
    again: within ITK's call it would be lost.
    """
    values: list[float] = []
    raised: list[BaseException] = []

    def listen() -> None:
        if raised:
            method.Abort()
            return
        try:
            values.append(float(method.GetMetric()))
            at_iteration()
        except BaseException as reason:
            raised.append(reason)
            method.Abort()

    method.AddCommand(sitk.sitkIterationEvent, listen)
    # One unit of work: ITK adds up the metric by units, and sums of floats depend on how they are split.
    method.SetNumberOfWorkUnits(1)
    method.SetNumberOfThreads(1)
    try:
        yield values
    except Exception:
        if not raised:
            raise
    finally:
        method.RemoveAllCommands()
    if raised:
        raise raised[0]
