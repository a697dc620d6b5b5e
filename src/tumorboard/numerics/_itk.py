"""The package's grids and images as SimpleITK's."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image

__all__ = ["itk_image", "listened", "sitk"]

#: Half of its wrapped functions carry types, half do not.
sitk: Any = SimpleITK


def itk_image(image: Image) -> Any:
    """Return an image with SimpleITK's geometry, whose axes are (x, y, z), as float32."""
    made = sitk.GetImageFromArray(np.asarray(image.values, np.float32))
    _place(made, image.grid)
    return made


def _place(made: Any, grid: Grid) -> None:
    made.SetSpacing(grid.spacing_mm[::-1].tolist())
    made.SetOrigin(grid.origin_mm.tolist())
    # Columns along array axes (z, y, x) become columns along (x, y, z); ITK stores rows.
    made.SetDirection(grid.direction[:, ::-1].ravel().tolist())


@contextmanager
def listened(method: Any, at_iteration: Callable[[int, float], None]) -> Iterator[list[float]]:
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
            at_iteration(len(values), values[-1])
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
