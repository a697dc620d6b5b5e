"""matRad's base data: pencil beams in water with a beam model."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.beam import BeamModel, EnergySpectrum, PhaseSpace, ProtonMachine, SpotModel
from tumorboard.core.pencil_kernel import PencilKernel
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.matlab_file import matlab_field, matlab_numbers, read_matlab
from tumorboard.provenance import Record

__all__ = ["LateralModel", "read_matrad_machine"]

#: 1 MeV cm2/g [Gy mm2].
_GY_MM2_PER_MEV_CM2_G: Final = 1.602176634e-8
_MOST_ENERGIES: Final = 1000


class LateralModel(Enum):
    """How a kernel spreads sideways; the values are matRad's words for it."""

    SINGLE_GAUSSIAN = "singleGauss"
    DOUBLE_GAUSSIAN = "doubleGauss"


def read_matrad_machine(
    path: Path | str, *, focus: int | None = None, lateral_model: LateralModel | None = None
) -> ProtonMachine:
    r"""Read a proton machine from matRad's base data [1]_.

    Depth dose: ``Z`` [MeV cm2/g per proton] becomes [Gy mm2], at ``depths`` plus ``offset``. Lateral: the
    dose of a proton spreads by ``sigma``, or by ``sigma1`` and ``sigma2`` with fraction ``weight`` in the
    second.

    Spots: matRad tabulates the width in air over the distance from the source, scattering in air included.
    The phase space stands at the isocentre (``plane_mm`` 0), as the least squares fit of
    :math:`\sigma^2(d) = \sigma^2 + 2 \rho \sigma \theta d + \theta^2 d^2` to the table from the nozzle to
    the isocentre, where patients' surfaces lie. The provenance gives the largest difference between table
    and fit there as ``largest_sigma_residual_mm`` [mm]. As air is in it, an engine must not add the
    scattering of air upstream of the patient again.

    Parameters
    ----------
    path
        ``.mat`` file of version 5 to 7 with ``machine``.
    focus
        Which focus, from 1 as in matRad. ``None`` where the machine has one only.
    lateral_model
        ``None`` for what the file calls itself (``meta.dataType``).

    Returns
    -------
    ProtonMachine
        matRad knows no monitor units of its own: ``protons_per_mu`` is ``MUdata.numParticlesPerMU`` where
        given, else ``None``.

    Raises
    ------
    UnreadableFile, MissingAttribute
        When the file is broken or lacks what is needed.
    InputError
        When the machine is not one for protons, or focus or lateral model are not in it.

    Notes
    -----
    ``energySpectrum.sigma`` is in percent of the mean: matRad hands it to MCsquare as such and takes
    percent of the mean in its analytical engine. matRad also deepens water-equivalent depths by 0.0011
    times the air between nozzle and skin less ``fitAirOffset``; the provenance gives ``fitAirOffset`` and
    ``BAMStoIsoDist`` for whoever compares.

    References
    ----------
    .. [1] wieser2017matrad
    """
    path = Path(path)
    machine = read_matlab(path, ("machine",))["machine"]
    meta = matlab_field(machine, "meta", where="variable machine")
    mode = str(matlab_field(meta, "radiationMode", where="machine.meta"))
    if mode != "protons":
        raise InputError(
            f"radiationMode of {path.name} must be protons; got {mode!r}; choose another machine"
        )
    entries = np.atleast_1d(np.asarray(matlab_field(machine, "data", where="variable machine"), dtype=object))
    if not 0 < entries.size <= _MOST_ENERGIES:
        raise UnreadableFile(f"machine.data must have 1 to {_MOST_ENERGIES} energies; got {entries.size}")
    model = lateral_model or _stated_model(meta, path)
    sad_mm = _number(meta, "SAD", "machine.meta")
    nozzle_mm = _number(meta, "BAMStoIsoDist", "machine.meta")
    name = str(getattr(meta, "name", None) or getattr(meta, "machine", None) or path.stem)
    chosen = _focus(entries[0], focus, path)
    facts = {
        "file": path.name,
        "focus": chosen + 1,
        "lateral_model": model.value,
        "nozzle_to_isocentre_mm": nozzle_mm,
        "fit_air_offset_mm": _optional(meta, "fitAirOffset"),
    }
    spots, kernels, worst = [], [], 0.0
    for number, entry in enumerate(entries.ravel(), start=1):
        where = f"machine.data({number}) of {path.name}"
        energy = _number(entry, "energy", where)
        phase_space, residual = _phase_space(entry, chosen, (sad_mm, nozzle_mm), where)
        worst = max(worst, residual)
        spots.append(
            SpotModel(energy, _spectrum(entry, energy, where), (phase_space,), _per_mu(entry, where))
        )
        record = Record(
            "io.machines.read_matrad_machine",
            {"file": path.name, "energy_mev": energy, "lateral_model": model.value},
            references=("wieser2017matrad",),
        )
        kernels.append(_kernel(entry, energy, model, record, where))
    record = Record(
        "io.machines.read_matrad_machine",
        facts | {"largest_sigma_residual_mm": round(worst, 6)},
        references=("wieser2017matrad",),
    )
    return ProtonMachine(BeamModel(name, tuple(spots), 0.0, (sad_mm, sad_mm), record), tuple(kernels))


def _stated_model(meta: Any, path: Path) -> LateralModel:
    stated = str(matlab_field(meta, "dataType", where="machine.meta"))
    for model in LateralModel:
        if model.value == stated:
            return model
    raise InputError(
        f"dataType of {path.name} must be {' or '.join(m.value for m in LateralModel)}; got {stated!r}; "
        "pass lateral_model"
    )


def _focus(entry: Any, focus: int | None, path: Path) -> int:
    """Return the index of the focus, from 0."""
    widths = matlab_numbers(
        matlab_field(
            matlab_field(entry, "initFocus", where="machine.data"), "SisFWHMAtIso", where="initFocus"
        ),
        where="SisFWHMAtIso",
    )
    listed = ", ".join(f"{i} ({w:.2f} mm)" for i, w in enumerate(widths, start=1))
    if focus is None and widths.size > 1:
        raise InputError(
            f"focus of {path.name} must be chosen; it has, with the FWHM at the isocentre at its lowest "
            f"energy, {listed}; pass focus=1 for the first"
        )
    if focus is not None and not 1 <= focus <= widths.size:
        raise InputError(f"focus of {path.name} must be one of {listed}; got {focus!r}")
    return 0 if focus is None else focus - 1


def _phase_space(
    entry: Any, focus: int, distances_mm: tuple[float, float], where: str
) -> tuple[PhaseSpace, float]:
    """Return the phase space at the isocentre and the largest residual of the fit [mm]."""
    sad_mm, nozzle_mm = distances_mm
    table = matlab_field(entry, "initFocus", where=where)
    dist = np.atleast_2d(matlab_numbers(matlab_field(table, "dist", where=where), where=f"dist in {where}"))
    width = np.atleast_2d(
        matlab_numbers(matlab_field(table, "sigma", where=where), where=f"sigma in {where}")
    )
    if dist.shape != width.shape or focus >= len(dist) or (width <= 0).any():
        raise UnreadableFile(
            f"initFocus of {where} must give a width > 0 [mm] for each distance; got shapes {dist.shape} "
            f"and {width.shape}"
        )
    downstream = dist[focus] - sad_mm
    near = (downstream >= -nozzle_mm - 1e-6) & (downstream <= 1e-6)
    if near.sum() < 3:
        raise UnreadableFile(
            f"initFocus of {where} must give widths at 3 distances or more from nozzle to isocentre; it "
            f"gives {int(near.sum())}; widths elsewhere say nothing about the patient's surface"
        )
    d, sigma = downstream[near], width[focus][near]
    scaled = d / max(nozzle_mm, 1.0)
    slope2, mixed, variance = np.polyfit(scaled, sigma**2, 2)
    # A beam can neither be of negative width nor focus to less than a point: |rho| <= 1.
    if slope2 < 0 or variance <= 0 or (mixed / 2) ** 2 > variance * slope2:
        slope2, mixed, variance = 0.0, 0.0, float(np.mean(sigma**2))
    at_iso = float(np.sqrt(variance))
    theta = float(np.sqrt(slope2)) / max(nozzle_mm, 1.0)
    correlation = float(mixed / (2 * np.sqrt(variance * slope2))) if slope2 > 0 else 0.0
    phase_space = PhaseSpace(1.0, at_iso, at_iso, theta, theta, correlation, correlation)
    fitted = np.array([phase_space.sigma_mm(float(x))[0] for x in d])
    return phase_space, float(np.abs(fitted - sigma).max())


def _spectrum(entry: Any, energy_mev: float, where: str) -> EnergySpectrum:
    spectrum = getattr(entry, "energySpectrum", None)
    if spectrum is None:
        raise MissingAttribute(
            f"{where} must have energySpectrum; at {energy_mev:g} MeV it has none; without it the energy "
            "spread would be a guess"
        )
    mean = _number(spectrum, "mean", f"energySpectrum of {where}")
    percent = _number(spectrum, "sigma", f"energySpectrum of {where}")
    return EnergySpectrum(np.array([mean]), np.array([percent / 100 * mean]), np.array([1.0]))


def _per_mu(entry: Any, where: str) -> float | None:
    units = getattr(entry, "MUdata", None)
    return None if units is None else _number(units, "numParticlesPerMU", f"MUdata of {where}")


def _kernel(entry: Any, energy_mev: float, model: LateralModel, record: Record, where: str) -> PencilKernel:
    depth = _column(entry, "depths", where) + (_optional(entry, "offset") or 0.0)
    dose = _column(entry, "Z", where) * _GY_MM2_PER_MEV_CM2_G
    if model is LateralModel.SINGLE_GAUSSIAN:
        sigma = _column(entry, "sigma", where)[:, None]
        weights = np.ones_like(sigma)
    else:
        sigma = np.stack([_column(entry, "sigma1", where), _column(entry, "sigma2", where)], axis=1)
        outer = _column(entry, "weight", where)
        weights = np.stack([1 - outer, outer], axis=1)
    let = _column(entry, "LET", where) if "LET" in entry._fieldnames else None
    lengths = {len(column) for column in (depth, dose, sigma, weights, *(() if let is None else (let,)))}
    if len(lengths) > 1:
        raise UnreadableFile(f"columns of {where} must be equally long; got lengths {sorted(lengths)}")
    if depth[0] < 0:
        depth, dose, sigma, weights, let = _from_surface(depth, dose, sigma, weights, let)
    return PencilKernel(energy_mev, depth, dose, sigma, weights, record, let)


def _from_surface(
    depth: NDArray[np.float64],
    dose: NDArray[np.float64],
    sigma: NDArray[np.float64],
    weights: NDArray[np.float64],
    let: NDArray[np.float64] | None,
) -> tuple[
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64],
    NDArray[np.float64] | None,
]:
    """Cut a kernel whose table begins upstream of the surface there, interpolating the first row."""
    inside = np.concatenate([[0.0], depth[depth > 0]])

    def cut(column: NDArray[np.float64]) -> NDArray[np.float64]:
        rows = column.reshape(len(depth), -1)
        parts = [np.interp(inside, depth, rows[:, k]) for k in range(rows.shape[1])]
        return np.stack(parts, axis=1).reshape(len(inside), *column.shape[1:])

    return inside, cut(dose), cut(sigma), cut(weights), None if let is None else cut(let)


def _column(entry: Any, name: str, where: str) -> NDArray[np.float64]:
    values = matlab_numbers(matlab_field(entry, name, where=where), where=f"{name} in {where}")
    if values.ndim != 1:
        raise UnreadableFile(f"{name} in {where} must be one column; got shape {values.shape}")
    return values


def _number(parent: Any, name: str, where: str) -> float:
    values = matlab_numbers(matlab_field(parent, name, where=where), where=f"{name} in {where}")
    if values.size != 1:
        raise UnreadableFile(f"{name} in {where} must be one number; got {values.size}")
    return float(values.ravel()[0])


def _optional(parent: Any, name: str) -> float | None:
    return _number(parent, name, "the machine") if name in parent._fieldnames else None
