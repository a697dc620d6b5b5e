"""Voxel dose kernels that others calculated, from numpy and CSV files."""

from __future__ import annotations

import hashlib
import math
import re
import zipfile
from enum import Enum
from io import BytesIO
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.dosimetry.dose_kernel import DoseKernel
from tumorboard.dosimetry.voxel_dose import annihilation_mev, emitted_mev
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.physics.transport.decay_source import DecayEmissions
from tumorboard.physics.transport.medium import GY_G_PER_MEV
from tumorboard.physics.transport.particles import ParticleKind
from tumorboard.provenance import Record

__all__ = ["KernelUnit", "read_dose_kernel"]

#: Largest index of a voxel in a table: a cubic kernel of that half width has 1e7 voxels.
_FARTHEST: Final = 120
_MOST_HEADINGS: Final = 3


class KernelUnit(Enum):
    """What a kernel's numbers are."""

    #: Energy per decay [MeV].
    MEV = "mev"
    #: Dose per decay [Gy], which is Gy/(Bq s).
    GY = "gy"
    #: Dose per time-integrated activity [mGy/(MBq s)], as MIRD's tables have it.
    MGY_PER_MBQ_S = "mgy_per_mbq_s"


def read_dose_kernel(
    path: Path | str,
    emissions: DecayEmissions,
    *,
    spacing_mm: ArrayLike,
    density_g_cm3: float,
    unit: KernelUnit,
    octant: bool,
) -> DoseKernel:
    r"""Read a voxel dose kernel, and hold it to the energy that is emitted.

    Parameters
    ----------
    path
        An ``.npz`` file with an array ``kernel`` indexed ``[z, y, x]``; or a table whose lines are whole
        numbers of voxels from the source's along x, y and z, and the value there, parted by commas,
        semicolons or blanks, as those of MIRD Pamphlet 17 [1]_ and of Lanconelli and others [2]_. Up to three
        headings and lines that begin with ``#`` are left out, and so may voxels of 0.
    emissions
        Of the decays that the kernel is said to be of.
    spacing_mm
        Size of its voxels along (z, y, x), shape ``(3,)`` [mm].
    density_g_cm3
        Of its medium [g/cm3].
    unit
        Of its values.
    octant
        Whether the file holds one octant, from the source's voxel on, which stands for all eight.

    Returns
    -------
    DoseKernel
        Its ``explanation`` says what it lacks of the emitted energy.

    Raises
    ------
    InputError
        When the kernel holds more energy than is emitted, or numbers do not fit.
    UnreadableFile
        When the file is not of this form.

    References
    ----------
    .. [1] bolch1999mird17
    .. [2] lanconelli2012voxel

    Examples
    --------
    >>> import tempfile
    >>> path = Path(tempfile.mkdtemp()) / "kernel.csv"
    >>> _ = path.write_text("x,y,z,value\n0,0,0,5.0\n1,0,0,0.05\n")
    >>> alpha = DecayEmissions("alpha", local_mev=5.5)
    >>> kernel = read_dose_kernel(
    ...     path, alpha, spacing_mm=(3, 3, 3), density_g_cm3=1.0, unit=KernelUnit.MEV, octant=True
    ... )
    >>> kernel.energy_mev.shape, round(float(kernel.energy_mev.sum()), 3)
    ((1, 1, 3), 5.1)
    """
    path = Path(path)
    try:
        content = path.read_bytes()
        values = _of_npz(content) if path.suffix.lower() == ".npz" else _of_table(content, octant)
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as reason:
        if isinstance(reason, InputError):
            raise
        raise UnreadableFile(
            f"kernel {path.name!r} must be an .npz file with an array 'kernel', or a table with lines of "
            f"x, y, z and a value; {reason}"
        ) from reason
    if octant:
        values = values[np.ix_(*(np.abs(np.arange(1 - n, n)) for n in values.shape))]
    spacing = np.array(spacing_mm, np.float64)
    mass = float(spacing.prod()) * 1e-3 * density_g_cm3
    # 1 mGy/(MBq s) is 1e-9 Gy per decay.
    mev = {
        KernelUnit.MEV: 1.0,
        KernelUnit.GY: mass / GY_G_PER_MEV,
        KernelUnit.MGY_PER_MBQ_S: 1e-9 * mass / GY_G_PER_MEV,
    }[KernelUnit(unit)]
    record = Record(
        "dosimetry.read_dose_kernel",
        {
            "sha256": hashlib.sha256(content).hexdigest(),
            "spacing_mm": spacing.tolist(),
            "density_g_cm3": density_g_cm3,
            "unit": KernelUnit(unit).value,
            "octant": octant,
            "emissions": emissions.digest,
        },
    )
    return DoseKernel(
        energy_mev=values * mev,
        spacing_mm=spacing,
        density_g_cm3=density_g_cm3,
        nuclide=emissions.name,
        emitted_mev=emitted_mev(emissions),
        photons_mev=emissions.energy_mev(ParticleKind.PHOTON) + annihilation_mev(emissions),
        relative_uncertainty=np.zeros(values.shape),
        provenance=record,
    )


def _of_npz(content: bytes) -> NDArray[np.float64]:
    with np.lib.npyio.NpzFile(BytesIO(content), allow_pickle=False) as data:
        values = np.asarray(data["kernel"], np.float64)
    if values.ndim != 3:
        raise ValueError(f"its array has {values.ndim} axes, not 3")
    return values


def _of_table(content: bytes, octant: bool) -> NDArray[np.float64]:
    # Headings may be of any encoding; numbers are not.
    lines = content.decode("utf-8-sig", errors="replace").splitlines()
    fields = [re.split(r"[,;\s]+", line.strip()) for line in lines if line.strip() and line[0] != "#"]
    heads = next((n for n, row in enumerate(fields) if _is_row(row)), len(fields))
    if heads > _MOST_HEADINGS or heads == len(fields):
        raise ValueError(
            f"no line of three whole numbers and a value is among its first {_MOST_HEADINGS + 1}"
        )
    for row in fields[heads:]:
        if not _is_row(row):
            raise ValueError(f"{' '.join(row)!r} is not three whole numbers and a value")
    index = np.array([[int(row[n]) for n in (2, 1, 0)] for row in fields[heads:]])
    if np.unique(index, axis=0).shape[0] != len(index):
        raise ValueError("it lists a voxel twice")
    if np.abs(index).max() > _FARTHEST or (octant and index.min() < 0):
        raise ValueError(f"its voxels must be {0 if octant else -_FARTHEST} to {_FARTHEST} from the source")
    reach = np.abs(index).max(axis=0)
    values = np.zeros(reach + 1 if octant else 2 * reach + 1)
    values[tuple((index if octant else index + reach).T)] = [float(row[3]) for row in fields[heads:]]
    return values


def _is_row(row: list[str]) -> bool:
    """Whether these are three whole numbers and a value."""
    try:
        return len(row) == 4 and math.isfinite(sum(map(int, row[:3])) + float(row[3]))
    except ValueError:
        return False
