"""Voxel dose kernels that others calculated, from numpy and CSV files."""

from __future__ import annotations

import csv
import hashlib
import zipfile
from enum import Enum
from io import BytesIO, StringIO
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

#: Largest index of a voxel in a table: a cubic kernel of that half width has 1e9 voxels.
_FARTHEST: Final = 500


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
        An ``.npz`` file with an array ``kernel`` indexed ``[z, y, x]``; or a ``.csv`` file whose first line
        is ``x,y,z,value`` and whose others are whole numbers of voxels from the source's and the value
        there, as MIRD Pamphlet 17 lists them [1]_. Lines that begin with ``#`` are left out, and so may
        voxels of 0.
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
        values = _of_npz(content) if path.suffix.lower() == ".npz" else _of_csv(content, octant)
    except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as reason:
        if isinstance(reason, InputError):
            raise
        raise UnreadableFile(
            f"kernel {path.name!r} must be an .npz file with an array 'kernel', or a .csv file with columns "
            f"x,y,z,value; {reason}"
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


def _of_csv(content: bytes, octant: bool) -> NDArray[np.float64]:
    lines = (line for line in StringIO(content.decode("utf-8-sig")) if not line.startswith("#"))
    rows = csv.DictReader(lines, skipinitialspace=True)
    columns = [name.strip() for name in rows.fieldnames or ()]
    if columns != ["x", "y", "z", "value"]:
        raise ValueError(f"its columns are {', '.join(columns) or 'missing'}")
    found = [(int(r["z"]), int(r["y"]), int(r["x"]), float(r["value"])) for r in rows]
    if not found:
        raise ValueError("it has no voxels")
    index = np.array([row[:3] for row in found])
    if np.unique(index, axis=0).shape[0] != len(found):
        raise ValueError("it lists a voxel twice")
    if np.abs(index).max() > _FARTHEST or (octant and index.min() < 0):
        raise ValueError(f"its voxels must be {0 if octant else -_FARTHEST} to {_FARTHEST} from the source")
    reach = np.abs(index).max(axis=0)
    values = np.zeros(reach + 1 if octant else 2 * reach + 1)
    values[tuple((index if octant else index + reach).T)] = [row[3] for row in found]
    return values
