"""The package's grids, images and transforms as SimpleITK's, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import SimpleITK
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image
from tumorboard.core.transform import RigidTransform

__all__ = ["itk_euler", "itk_image", "listened", "rigid_of", "sitk"]

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


def itk_euler(transform: RigidTransform, centre_mm: NDArray[np.float64]) -> Any:
    """Return the transform with angles about a centre as its parameters."""
    made = sitk.Euler3DTransform()
    made.SetCenter(centre_mm.tolist())
    made.SetMatrix(transform.rotation.ravel().tolist(), 1e-5)
    made.SetTranslation((transform.apply(centre_mm) - centre_mm).tolist())
    return made


def rigid_of(euler: Any, from_frame: str, to_frame: str) -> RigidTransform:
    """Return what :func:`itk_euler` made, after its parameters have changed."""
    left, _, right = np.linalg.svd(np.array(euler.GetMatrix()).reshape(3, 3))
    rotation = left @ right
    centre = np.array(euler.GetCenter())
    shift = centre + np.array(euler.GetTranslation()) - rotation @ centre
    return RigidTransform(rotation, shift, from_frame, to_frame)


@contextmanager
def listened(method: Any, at_iteration: Callable[[int, float], None]) -> Iterator[list[float]]:
    """Let a registration run inside, on one thread, and give the metric of each iteration.

    What ``at_iteration`` raises, an interrupt from the keyboard too, ends the registration and is raised
    again: within ITK's call it would be lost.
    """
    values: list[float] = []
    raised: list[BaseException] = []

    whole = isinstance(method, SimpleITK.ImageRegistrationMethod)
    end = method.StopRegistration if whole else method.Abort  # an optimiser does not heed Abort

    def listen() -> None:
        if raised:
            end()
            return
        try:
            values.append(float(method.GetMetricValue() if whole else method.GetMetric()))
            at_iteration(len(values), values[-1])
        except BaseException as reason:
            raised.append(reason)
            end()

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
