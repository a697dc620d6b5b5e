"""The beam model of the Danish Centre for Particle Therapy, as its open data have it."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Final

import numpy as np

from tumorboard.core.beam import BeamModel, EnergySpectrum, PhaseSpace, SpotModel
from tumorboard.errors import MissingAttribute, UnreadableFile
from tumorboard.io.text_lines import finite_number, read_text_lines
from tumorboard.provenance import Record

__all__ = ["read_dcpt_beam_model"]

#: Titles of the columns, in the order in which they are used below; their units are part of the titles.
_COLUMNS: Final = (
    "Energy nominal [MeV]",
    "E real [MeV]",
    "E real sigma [MeV]",
    "protons/MU",
    "sigma x [mm]",
    "sigma y [mm]",
    "sigma x' [rad]",
    "sigma y' [rad]",
    "cor(x x')",
    "cor(y y')",
)
_PLANE: Final = re.compile(r"BMODPOS\s+([0-9.]+)\s*mm")
_MOST_ENERGIES: Final = 100_000


def read_dcpt_beam_model(path: Path | str, *, source_distance_mm: tuple[float, float]) -> BeamModel:
    r"""Read a beam model in the table format of DCPT's open data [1]_.

    Per nominal energy: mean and spread of the real energy [MeV], protons per monitor unit, and one Gaussian
    with widths [mm], divergences [rad] and correlations, at the plane that the header's ``BMODPOS`` names,
    upstream of the isocentre.

    Parameters
    ----------
    path
        The file, e.g. ``DCPT_beam_model__v2.csv``.
    source_distance_mm
        Virtual sources of x and y upstream of the isocentre [mm]. The table lacks them; the clinic's plans
        state them: ``read_ion_plan(path).beams[0].source_distance_mm``, 2000 and 2560 there.

    Returns
    -------
    BeamModel
        The header's remarks are in the provenance, among them ``x/y reversed in Exp. Room`` of version 2:
        the table is that of the gantry rooms.

    Raises
    ------
    UnreadableFile
        When the file is cut short or is none of these.
    MissingAttribute
        When the plane or a column with its unit is absent.
    InputError
        When a number is not one or energies do not ascend.

    Notes
    -----
    The sign of the correlation is ours: positive widens downstream. With it the widths at the isocentre
    are those that the clinic's planning system writes into its plans, 9.9 mm by 9.3 mm FWHM at 149.4 MeV:
    9.8 by 9.4 mm by version 2, which was valid then; the other sign gives 10.2 by 4.6 mm.

    References
    ----------
    .. [1] bassler2024dcpt
    """
    path = Path(path)
    remarks: list[str] = []
    rows: list[list[float]] = []
    order: list[int] | None = None
    lines = read_text_lines(path, what="beam model")
    for number, cells in enumerate(csv.reader(lines), start=1):
        cells = [cell.strip().lstrip("#").strip().strip('"') for cell in cells]
        if not any(cells):
            continue
        if order is None and cells[0].startswith("Energy nominal"):
            order = _order(cells, path)
        elif order is None:
            remarks.append(cells[0])
        else:
            rows.append(_row(cells, order, f"line {number} of {path.name}"))
            if len(rows) > _MOST_ENERGIES:
                raise UnreadableFile(f"energies of {path.name} must be at most {_MOST_ENERGIES}; got more")
    if not rows:
        raise UnreadableFile(
            f"beam model {path.name} must have a line of titles and energies below it; it has none; choose a "
            "DCPT_beam_model file"
        )
    record = Record(
        "io.machines.read_dcpt_beam_model",
        {"file": path.name, "remarks": remarks},
        references=("bassler2024dcpt",),
    )
    spots = tuple(_spot(row) for row in rows)
    return BeamModel(path.stem, spots, _plane_mm(remarks, path), source_distance_mm, record)


def _order(cells: list[str], path: Path) -> list[int]:
    missing = [title for title in _COLUMNS if title not in cells]
    if missing:
        raise MissingAttribute(
            f"columns of {path.name} must have titles with these units: {', '.join(_COLUMNS)}; "
            f"{', '.join(missing)} absent"
        )
    return [cells.index(title) for title in _COLUMNS]


def _row(cells: list[str], order: list[int], where: str) -> list[float]:
    if len(cells) <= max(order):
        raise UnreadableFile(
            f"{where} must have {max(order) + 1} numbers; got {len(cells)}: it is cut short; fetch the file "
            "again"
        )
    named = zip(_COLUMNS, order, strict=True)
    return [finite_number(cells[k], where=f"{title} in {where}") for title, k in named]


def _plane_mm(remarks: list[str], path: Path) -> float:
    for remark in remarks:
        found = _PLANE.search(remark)
        if found:
            return finite_number(found.group(1), where=f"BMODPOS [mm] of {path.name}")
    raise MissingAttribute(
        f"BMODPOS must be given in the header of {path.name}, as in 'BMODPOS 500.0 mm'; it is absent; "
        "without it nobody knows where the spots have these widths"
    )


def _spot(row: list[float]) -> SpotModel:
    nominal, real, spread, per_mu, sigma_x, sigma_y, div_x, div_y, cor_x, cor_y = row
    spectrum = EnergySpectrum(np.array([real]), np.array([spread]), np.array([1.0]))
    phase_space = PhaseSpace(1.0, sigma_x, sigma_y, div_x, div_y, cor_x, cor_y)
    return SpotModel(nominal, spectrum, (phase_space,), per_mu)
