"""From what a patient was given, or dose rates beside the patient, to restrictions and release."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from tumorboard.dosimetry.air_kerma_rate import AirKermaRateConstant, air_kerma_rate_constant
from tumorboard.dosimetry.dose_rate_clearance import (
    DoseRateClearance,
    clearance_of_activity,
    fit_dose_rate_clearance,
)
from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.workflows.contact.config import (
    EQUILIBRIUM_SHARE,
    HIGHEST_USV_PER_UGY,
    PATTERNS,
    ContactConfig,
)
from tumorboard.workflows.contact.report import ContactReport, contact_report, contacts

__all__ = ["ContactResult", "chosen_report", "run"]


@dataclass(frozen=True, slots=True, eq=False)
class ContactResult:
    """Restrictions and release of one patient.

    Parameters
    ----------
    config
        The choices.
    physical_half_life_h
        Of the nuclide [h].
    constant
        Air kerma rate constant of the nuclide.
    report
        Restrictions and release.
    notes
        What was assumed, a sentence or two each.
    """

    config: ContactConfig
    physical_half_life_h: float
    constant: AirKermaRateConstant
    report: ContactReport
    notes: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return all as what JSON can hold."""
        config = self.config
        return {
            "nuclide": config.nuclide,
            "activity_mbq": config.activity_mbq,
            "library": config.library,
            "physical_half_life_h": self.physical_half_life_h,
            "air_kerma_rate_constant_ugy_m2_gbq_h": self.constant.ugy_m2_gbq_h,
            "air_kerma_rate_constant_uncertainty_ugy_m2_gbq_h": self.constant.uncertainty_ugy_m2_gbq_h,
            "least_energy_mev": config.least_energy_mev,
            "usv_per_ugy": None if config.measured is not None else config.usv_per_ugy,
            "from": "measured dose rates" if config.measured is not None else "activity",
            "patterns": config.patterns,
            "treatments_in_year": config.treatments_in_year,
            "administered_at_h": config.administered_at_h,
            "distance_exponent": config.distance_exponent,
            **self.report.to_dict(),
            "notes": list(self.notes),
        }


def run(config: ContactConfig) -> ContactResult:
    """Return restrictions and release.

    Parameters
    ----------
    config
        The choices.

    Raises
    ------
    InputError
        When the nuclide is unknown or has no photons, half-lives are longer than the physical one, dose rates
        do not fall, or half-lives are too uncertain for the confidence.

    Examples
    --------
    >>> found = run(ContactConfig("I-131", 3700.0, half_lives_h=(16.0,), usv_per_ugy=0.6)).to_dict()
    >>> round(found["dose_rate_1m_usv_h"])
    116
    """
    library = DecayLibrary(config.library)
    half_life_s = decay_data(config.nuclide, library=library).half_life_s
    physical_h = half_life_s / 3600.0
    constant = air_kerma_rate_constant(
        config.nuclide,
        library=library,
        least_energy_mev=config.least_energy_mev,
        progeny_half_life_s=EQUILIBRIUM_SHARE * half_life_s if math.isfinite(half_life_s) else 0.0,
    )
    if config.measured is not None:
        rates = config.measured
        clearance = fit_dose_rate_clearance(
            rates.times_h,
            rates.dose_rates_usv_h,
            rates.uncertainties_usv_h,
            n_exponentials=rates.n_exponentials,
        )
    else:
        activity = _activity(config, physical_h)
        clearance = clearance_of_activity(activity, constant, usv_per_ugy=config.usv_per_ugy)
    report = chosen_report(config, clearance)
    return ContactResult(
        config, physical_h, constant, report, _notes(config, physical_h, clearance, constant)
    )


def chosen_report(config: ContactConfig, dose_rate: DoseRateClearance) -> ContactReport:
    """Return the restrictions and the release that the choices ask for.

    Parameters
    ----------
    config
        The choices: contacts with their limits, limits of release, confidence, time of day and distance.
    dose_rate
        At 1 m over time, wherever it comes from [uSv/h].

    Raises
    ------
    InputError
        When a limit is of no pattern, or half-lives are too uncertain for the confidence.

    Examples
    --------
    >>> patient = DoseRateClearance([40.0], [16.0], np.zeros((2, 2)))
    >>> round(chosen_report(ContactConfig("I-131", 3700.0), patient).releases[1].time_h, 6)
    16.0
    """
    return contact_report(
        dose_rate,
        contacts(
            adapted=config.patterns == PATTERNS[0],
            limit_msv=config.limit_msv,
            limits_msv=config.limits_msv,
            treatments_in_year=config.treatments_in_year,
        ),
        release_limits_usv_h=config.release_limits_usv_h,
        confidence=config.confidence,
        administered_at_h=config.administered_at_h,
        distance_exponent=config.distance_exponent,
    )


def _with(constant: AirKermaRateConstant) -> str:
    """Say which progeny counts, of what is more than a thousandth."""
    names = ", ".join(member.name for member, share in constant.progeny if share > 1e-3)
    return f"with {names} in equilibrium" if names else "without progeny"


def _activity(config: ContactConfig, physical_h: float) -> DoseRateClearance:
    """Return activity [GBq] over time, in the place of dose rates."""
    if not np.isfinite(physical_h):
        raise InputError(f"nuclide must decay; {config.nuclide} is stable")
    half_lives = np.array(config.half_lives_h or (physical_h,))
    if (half_lives > physical_h * (1 + 1e-6)).any():
        raise InputError(
            f"half_lives_h must not exceed the physical half-life, {physical_h:.6g} h of {config.nuclide}; "
            f"got {half_lives.tolist()}: give effective half-lives, decay included"
        )
    gbq = config.activity_mbq * 1e-3 * np.array(config.shares or (1.0,))
    n = gbq.size
    covariance = np.zeros((2 * n, 2 * n))
    # The activity is one number, so its shares rise and fall together; half-lives are independent.
    covariance[:n, :n] = config.activity_relative_uncertainty**2 * np.outer(gbq, gbq)
    spread = config.half_life_relative_uncertainty if config.half_lives_h else 0.0
    covariance[n:, n:] = np.diag((spread * half_lives) ** 2)
    return DoseRateClearance(gbq, half_lives, covariance)


def _notes(
    config: ContactConfig, physical_h: float, clearance: DoseRateClearance, constant: AirKermaRateConstant
) -> tuple[str, ...]:
    notes = []
    if config.measured is not None:
        notes.append(
            f"Dose rate by {config.measured.n_exponentials} exponential(s) through "
            f"{len(config.measured.times_h)} measurements at 1 m; the activity given does not count."
        )
        if float(clearance.half_lives_h.max()) > physical_h * 1.001:
            notes.append(
                f"The dose rates fall slower than {config.nuclide} decays ({physical_h:.4g} h): look at them "
                "again, or for another source."
            )
    else:
        how = "" if config.usv_per_ugy < HIGHEST_USV_PER_UGY else ", an upper limit"
        notes.append(
            f"Dose rate at 1 m from the activity, as of a bare point{how}: {config.usv_per_ugy:g} uSv by uGy "
            f"of air kerma of photons above {1e3 * config.least_energy_mev:g} keV, {_with(constant)} and "
            "without bremsstrahlung. Measured dose rates are better; of patients with Lu-177 they were half "
            "of that of a bare point."
        )
        if not config.half_lives_h:
            notes.append(
                f"No effective half-life was given: activity fades by decay alone ({physical_h:.4g} h), "
                "the longest there can be."
            )
    spread = float(np.sqrt(np.diag(clearance.covariance)).max())
    notes.append(
        f"Nearer than 1 m and farther, dose rate goes with distance to the power of "
        f"{-config.distance_exponent:g}. "
        + (
            "Uncertainty is that of the dose rate over time; what people do is not in it."
            if spread > 0
            else "No uncertainty was given, so none is carried through but that of the photons' yields."
        )
    )
    if config.limit_msv is None:
        notes.append(
            "Limits of dose are those that the patterns come with, of South Australia, for "
            f"{config.treatments_in_year:g} treatment(s) in a year; yours may differ."
        )
    if config.measured is None and config.half_life_relative_uncertainty == 0:
        notes.append("Half-lives are taken as known.")
    return tuple(notes)
