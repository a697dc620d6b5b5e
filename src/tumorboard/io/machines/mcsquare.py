"""MCsquare's beam data library."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import numpy as np

from tumorboard.core.beam import BeamModel, EnergySpectrum, PhaseSpace, RangeShifter, SpotModel
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.text_lines import finite_number, read_text_lines
from tumorboard.physics.materials import material
from tumorboard.physics.stopping_power import stopping_power_ratio
from tumorboard.provenance import Record

__all__ = ["read_mcsquare_bdl"]

_FORMAT: Final = "--UPenn beam model (double gaussian)--"
_DISTANCES: Final = {
    "Nozzle exit to Isocenter distance": "nozzle",
    "SMX to Isocenter distance": "smx",
    "SMY to Isocenter distance": "smy",
}
_COLUMNS: Final = (
    "NominalEnergy MeanEnergy EnergySpread ProtonsMU "
    "Weight1 SpotSize1x Divergence1x Correlation1x SpotSize1y Divergence1y Correlation1y "
    "Weight2 SpotSize2x Divergence2x Correlation2x SpotSize2y Divergence2y Correlation2y"
).split()
#: Solids of MCsquare's own list of materials that range shifters are made of, by its number.
_MATERIALS: Final = {
    2: "graphite",
    5: "aluminium",
    17: "water, liquid",
    64: "PMMA",
    66: "polycarbonate",
    70: "polystyrene",
}
#: MCsquare turns a water-equivalent thickness into a length with the stopping power at this energy [MeV].
_SHIFTER_ENERGY_MEV: Final = 100.0
_MOST_ENERGIES: Final = 10_000


def read_mcsquare_bdl(path: Path | str, *, materials: Mapping[int, str] | None = None) -> BeamModel:
    r"""Read a beam data library of MCsquare [1]_ in its UPenn format (two Gaussians).

    The phase space stands at the nozzle's exit. Energy spread is in percent of the nominal energy: MCsquare
    draws energies with ``EnergySpread * NominalEnergy / 100``. The two weights are scaled to sum to 1, as
    MCsquare draws between them; a Gaussian of weight 0 is left out.

    Parameters
    ----------
    path
        The file; line ends of any system, comments from ``#``.
    materials
        Names of range shifters' materials, as in :mod:`tumorboard.physics.materials`, by MCsquare's number,
        where they are not among MCsquare's own graphite, aluminium, water, PMMA, Lexan and polystyrene.

    Returns
    -------
    BeamModel
        A range shifter's thickness is its water-equivalent thickness over the relative stopping power of its
        material at its density and 100 MeV, as MCsquare makes it. Shifters of variable thickness
        (``analog``) are left out, and the provenance's ``notes`` say so.

    Raises
    ------
    UnreadableFile
        When the file is cut short or is none of these.
    MissingAttribute
        When a distance or a column is absent.
    InputError
        When a number is not one, energies do not ascend, or a material is unknown.

    Notes
    -----
    The sign of the correlation is ours. MCsquare draws position and angle with the covariance matrix
    :math:`\begin{pmatrix} \sigma^2 & \rho\sigma\theta \\ \rho\sigma\theta & \theta^2 \end{pmatrix}`, sets
    the particle to :math:`(x, 0)` with direction :math:`(\tan x', 1)` and turns both by the same rotation
    into the beam's direction (``Sample_particle`` in ``compute_beam_model.c``). After a distance ``d``
    downstream :math:`x + x' d` has the variance :math:`\sigma^2 + 2 \rho \sigma \theta d + \theta^2 d^2`:
    a positive correlation widens. The half turn that sends the beam along -z flips ``y`` and ``y'``
    together and so leaves their covariance as it is.

    References
    ----------
    .. [1] souris2016mcsquare
    """
    path = Path(path)
    lines = [line.split("#")[0].strip() for line in read_text_lines(path, what="beam data library")]
    if not lines or lines[0] != _FORMAT:
        raise UnreadableFile(
            f"beam data library {path.name} must begin with {_FORMAT!r}; got "
            f"{(lines or [''])[0][:50]!r}; older formats of MCsquare are not read"
        )
    distances, shifters, stated, rows = _sections(lines, path)
    spots = tuple(_spot(row, f"line {number} of {path.name}") for number, row in rows)
    notes = []
    if stated is not None and len(spots) < stated:
        raise UnreadableFile(
            f"beam data library {path.name} must hold the {stated} energies that it states; it holds "
            f"{len(spots)}: it is cut short; fetch it again"
        )
    if stated is not None and len(spots) > stated:
        notes.append(f"the file states {stated} energies and holds {len(spots)}: all were read")
    known = _MATERIALS | dict(materials or {})
    made = []
    for values in shifters:
        if values.get("RS_type") == "analog":
            notes.append(f"range shifter {values['RS_ID']} has variable thickness and was left out")
        else:
            made.append(_range_shifter(values, known, path))
    record = Record(
        "io.machines.read_mcsquare_bdl",
        {"file": path.name, "range_shifters": shifters, "notes": notes},
        references=("souris2016mcsquare",),
    )
    sources = (distances["smx"], distances["smy"])
    return BeamModel(path.stem, spots, distances["nozzle"], sources, record, tuple(made))


def _sections(
    lines: list[str], path: Path
) -> tuple[dict[str, float], list[dict[str, str]], int | None, list[tuple[int, dict[str, float]]]]:
    """Return distances [mm], range shifters as written, the stated number of energies, and the rows."""
    distances: dict[str, float] = {}
    shifters: list[dict[str, str]] = []
    rows: list[tuple[int, dict[str, float]]] = []
    stated, columns, wanted = None, None, None
    for number, line in enumerate(lines[1:], start=2):
        where = f"line {number} of {path.name}"
        if not line:
            continue
        if wanted is not None:
            distances[wanted] = finite_number(line.split()[0], where=f"distance [mm] in {where}")
            wanted = None
        elif line in _DISTANCES:
            wanted = _DISTANCES[line]
        elif line.startswith("RS_") and "=" in line:
            key, value = (part.strip() for part in line.split("=", 1))
            if key == "RS_ID":
                shifters.append({})
            if not shifters:
                raise UnreadableFile(f"a range shifter must begin with RS_ID; got {key} in {where}")
            shifters[-1][key] = value
        elif line.startswith("NominalEnergy"):
            columns = line.split()
            missing = [c for c in _COLUMNS if c not in columns]
            if missing:
                raise MissingAttribute(
                    f"columns of {path.name} must be those of the UPenn format; {', '.join(missing)} absent"
                )
        elif columns is not None:
            cells = line.split()
            if len(cells) != len(columns):
                raise UnreadableFile(
                    f"{where} must have {len(columns)} numbers; got {len(cells)}: it is cut short or "
                    "damaged; fetch the file again"
                )
            if len(rows) == _MOST_ENERGIES:
                raise UnreadableFile(f"energies of {path.name} must be at most {_MOST_ENERGIES}; got more")
            named = zip(columns, cells, strict=True)
            rows.append((number, {c: finite_number(t, where=f"{c} in {where}") for c, t in named}))
        elif line.endswith("energies") and line.split()[0].isdecimal():
            stated = int(line.split()[0])
    absent = [text for text, key in _DISTANCES.items() if key not in distances]
    if absent:
        raise MissingAttribute(f"{absent[0]!r} must be given [mm] in {path.name}; it is absent")
    if not rows:
        raise UnreadableFile(
            f"beam data library {path.name} must hold energies; it holds none: it is cut short"
        )
    return distances, shifters, stated, rows


def _spot(row: dict[str, float], where: str) -> SpotModel:
    total = row["Weight1"] + row["Weight2"]
    if not (min(row["Weight1"], row["Weight2"]) >= 0 < total):
        raise InputError(
            f"Weight1, Weight2 in {where} must be >= 0 with a sum > 0; got "
            f"{row['Weight1']:g} and {row['Weight2']:g}"
        )
    nominal = row["NominalEnergy"]
    spectrum = EnergySpectrum(
        np.array([row["MeanEnergy"]]), np.array([row["EnergySpread"] / 100 * nominal]), np.array([1.0])
    )
    phase_space = tuple(
        PhaseSpace(
            row[f"Weight{k}"] / total,
            row[f"SpotSize{k}x"],
            row[f"SpotSize{k}y"],
            row[f"Divergence{k}x"],
            row[f"Divergence{k}y"],
            row[f"Correlation{k}x"],
            row[f"Correlation{k}y"],
        )
        for k in (1, 2)
        if row[f"Weight{k}"] > 0
    )
    return SpotModel(nominal, spectrum, phase_space, row["ProtonsMU"])


def _range_shifter(values: dict[str, str], known: Mapping[int, str], path: Path) -> RangeShifter:
    name = values["RS_ID"]
    for key in ("RS_type", "RS_material", "RS_density", "RS_WET"):
        if key not in values:
            raise MissingAttribute(
                f"{key} of range shifter {name!r} in {path.name} must be given; it is absent"
            )
    if values["RS_type"] != "binary":
        raise InputError(
            f"RS_type of range shifter {name!r} in {path.name} must be binary or analog; got "
            f"{values['RS_type']!r}"
        )
    number, density, wet_mm = (
        finite_number(values[key], where=f"{key} of range shifter {name!r} in {path.name}")
        for key in ("RS_material", "RS_density", "RS_WET")
    )
    if number not in known:
        raise InputError(
            f"RS_material of range shifter {name!r} in {path.name} must be one of "
            f"{', '.join(f'{n} ({m})' for n, m in sorted(known.items()))}; got {number:g}; pass "
            f"materials={{{number:g}: '<name>'}} with a name of tumorboard.physics.materials"
        )
    substance = replace(material(known[int(number)]), density_g_cm3=density)
    ratio = float(stopping_power_ratio(substance, _SHIFTER_ENERGY_MEV))
    return RangeShifter(name, known[int(number)], wet_mm / ratio, wet_mm)
