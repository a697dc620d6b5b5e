"""Close contact with, and release of, a patient whose activity was scanned."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import numpy as np

from tumorboard.dosimetry.air_kerma_rate import AirKermaRateConstant, air_kerma_rate_constant
from tumorboard.dosimetry.dose_rate_clearance import (
    DoseRateClearance,
    clearance_of_activity,
    fit_dose_rate_clearance,
)
from tumorboard.errors import InputError
from tumorboard.plotting.blocks import Block, Note, Table
from tumorboard.workflows.contact.config import EQUILIBRIUM_SHARE, ContactConfig
from tumorboard.workflows.contact.run import chosen_report
from tumorboard.workflows.radioligand.config import ALPHA_NUCLIDES
from tumorboard.workflows.radioligand.result import RadioligandResult

__all__ = ["contact_blocks", "contact_data"]

#: What can only be too long goes first.
_KINDS: Final = ("given", "scanned")
#: A thousandth of I-131's constant [uGy m2/(GBq h)].
_FEW_PHOTONS: Final = 0.05


def contact_data(result: RadioligandResult, administered: datetime | None) -> dict[str, Any]:
    """Return restrictions and release by the activity scanned, and by all that was given.

    Parameters
    ----------
    result
        Of the dosimetry.
    administered
        When; its time of day counts, 10 h where it is not known.
    """
    given_mbq = (result.injected_bq or 0.0) / 1e6
    config = ContactConfig(result.nuclide, given_mbq or 1.0)
    if administered is not None:
        config = replace(config, administered_at_h=administered.hour + administered.minute / 60.0)
    constant = _constant(result, config, EQUILIBRIUM_SHARE)
    found: dict[str, Any] = {
        "usv_per_ugy": config.usv_per_ugy,
        "air_kerma_rate_constant_ugy_m2_gbq_h": constant.ugy_m2_gbq_h,
        "least_energy_mev": config.least_energy_mev,
        "administered_at_h": config.administered_at_h,
        "distance_exponent": config.distance_exponent,
        "confidence": config.confidence,
        "scanned": None,
        "given": None,
    }
    if constant.ugy_m2_gbq_h < _FEW_PHOTONS:
        found["scanned_error"] = (
            f"{result.nuclide} emits hardly any photons, and bremsstrahlung is not in the constant"
        )
        return found
    try:
        found["scanned"] = _report(config, constant, _scanned(result))
    except InputError as reason:
        found["scanned_error"] = str(reason)
    if given_mbq:
        half_life_h = result.physical_half_life_s / 3600.0
        # An upper limit has no uncertainty of its own to carry.
        bound = DoseRateClearance(np.array([given_mbq / 1e3]), np.array([half_life_h]), np.zeros((2, 2)))
        # At most: progeny that lives nearly as long as its parent, too, in the balance it comes to late.
        highest = _constant(result, config, 0.999) if result.nuclide in ALPHA_NUCLIDES else constant
        exact = replace(highest, uncertainty_ugy_m2_gbq_h=0.0)
        found["given"] = _report(config, exact, bound)
    return found


def _constant(result: RadioligandResult, config: ContactConfig, share: float) -> AirKermaRateConstant:
    """Return the constant with progeny that lives less than a share of the half-life, wherever it went."""
    return air_kerma_rate_constant(
        result.nuclide,
        library=result.config.library,
        least_energy_mev=config.least_energy_mev,
        progeny_half_life_s=share * result.physical_half_life_s,
    )


def contact_blocks(data: dict[str, Any]) -> list[Block]:
    """Return the tables of :func:`contact_data`, and what they are worth.

    Parameters
    ----------
    data
        Its result.
    """
    shown = [name for name in _KINDS if data[name] is not None]
    if not shown:
        return (
            [Note(f"Nothing is said of close contact: {data['scanned_error']}.")]
            if "scanned_error" in data
            else []
        )
    percent = f"{100 * data['confidence']:g} %"
    heads = {
        "scanned": ("scanned", f"scanned, {percent}"),
        "given": ("at most",),
    }
    fields = {"scanned": ("", "_confident"), "given": ("",)}

    def cells(table: str, quantity: str, row: int, per: float) -> list[float]:
        return [data[n][table][row][f"{quantity}{end}_h"] / per for n in shown for end in fields[n]]

    first = data[shown[0]]
    contact = Table(
        "Close contact: put off until so many days after administration, at most, and by the activity "
        "scanned",
        ("Contact", "Limit [mSv]", *(f"{head} [d]" for n in shown for head in heads[n])),
        tuple(
            (r["pattern"], r["limit_msv"], *cells("restrictions", "restriction", k, 24.0))
            for k, r in enumerate(first["restrictions"])
        ),
        digits=3,
    )
    release = Table(
        "Release: so many hours after administration the dose rate at 1 m has fallen to a limit",
        ("Limit [uSv/h]", *(f"{head} [h]" for n in shown for head in heads[n])),
        tuple(
            (r["limit_usv_h"], *cells("release", "release", k, 1.0)) for k, r in enumerate(first["release"])
        ),
        digits=3,
    )
    return [Note(_words(data)), contact, release]


def _report(
    config: ContactConfig, constant: AirKermaRateConstant, activity_gbq: DoseRateClearance
) -> dict[str, Any]:
    dose_rate = clearance_of_activity(activity_gbq, constant, usv_per_ugy=config.usv_per_ugy)
    return chosen_report(config, dose_rate).to_dict()


def _scanned(result: RadioligandResult) -> DoseRateClearance:
    """Return the activity of the whole scan over time [GBq], in the place of dose rates."""
    samples = result.total.samples
    hours, gbq = samples.times_s / 3600.0, samples.activity_bq / 1e9
    if not result.total.is_upper_limit:
        return fit_dose_rate_clearance(hours, gbq, samples.known_uncertainty_bq / 1e9, n_exponentials=1)
    half_life_h = result.physical_half_life_s / 3600.0
    start = float(gbq[-1]) * 2.0 ** (float(hours[-1]) / half_life_h)
    return DoseRateClearance(np.array([start]), np.array([half_life_h]), np.zeros((2, 2)))


def _words(data: dict[str, Any]) -> str:
    """Return what the tables are worth."""
    scanned = data["scanned"]
    text = (
        "Close contact and release are estimates, no instruction. Dose rate at 1 m is that of a bare point, "
        f"without absorption in the patient: {data['air_kerma_rate_constant_ugy_m2_gbq_h']:.2f} uGy "
        "m2/(GBq h) of air "
        f"kerma by photons above {1e3 * data['least_energy_mev']:g} keV, and {data['usv_per_ugy']:g} uSv "
        "by uGy, the "
        "most that there is at any energy; in patients about half was measured. "
    )
    if scanned is not None:
        text += (
            f"By the activity in the scans it is {scanned['dose_rate_1m_usv_h']:.1f} ± "
            f"{scanned['dose_rate_1m_uncertainty_usv_h']:.1f} uSv/h at administration, one exponential "
            "drawn back: "
            "what lies outside of the scan's field, and what was excreted before the first scan, is not in "
            "it, so it is no upper limit. "
        )
    elif "scanned_error" in data:
        text += f"By the activity in the scans nothing can be told: {data['scanned_error']}. "
    if data["given"] is not None:
        text += (
            "By all that was given, fading by decay alone (at most), it is "
            f"{data['given']['dose_rate_1m_usv_h']:.1f} uSv/h "
            "at administration: that is an upper limit. "
        )
    return text + (
        "Limits of contact are those that the patterns come with, for one treatment in a year; limits of "
        "release "
        "differ by country. Measure at 1 m, and use the command tumorboard contact."
    )
