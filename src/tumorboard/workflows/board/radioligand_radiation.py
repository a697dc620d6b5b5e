"""What alphas, electrons and photons bring apart, and what was assumed of progeny."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tumorboard.plotting.blocks import Block, Table
from tumorboard.workflows.radioligand.result import LesionDose, RadioligandResult

__all__ = ["progeny_data", "radiation_blocks", "radiation_data"]


def radiation_data(lesion: LesionDose, alpha_rbe: float | None) -> dict[str, float] | None:
    """Return the mean dose by radiation, weighted where that was asked for [Gy]; ``None``: no alpha emitter.

    Parameters
    ----------
    lesion
        One region.
    alpha_rbe
        Relative biological effectiveness of alphas; ``None``: not applied.
    """
    apart = lesion.by_radiation
    if apart is None:
        return None
    found = {
        "alpha": float(apart.alpha_gy),
        "electron": float(apart.electron_gy),
        "photon": float(apart.photon_gy),
    }
    if alpha_rbe is not None:
        found["rbe_weighted"] = float(apart.rbe_weighted_gy(alpha_rbe=alpha_rbe))
    return found


def progeny_data(result: RadioligandResult) -> dict[str, Any] | None:
    """Return what was assumed of progeny, and where each member decays for one decay of the parent.

    Parameters
    ----------
    result
        Of the dosimetry.
    """
    progeny = result.progeny
    if progeny is None:
        return None
    return {
        "assumption": progeny.fate.assumption.value,
        "statement": progeny.fate.statement,
        "alpha_rbe": result.config.alpha_rbe,
        "members": [
            {
                "nuclide": member.name,
                "decays_in_place": float(here) / progeny.parent_decays,
                "decays_elsewhere": float(away) / progeny.parent_decays,
            }
            for member, here, away in zip(progeny.members, progeny.in_place, progeny.elsewhere, strict=True)
        ],
    }


def radiation_blocks(result: RadioligandResult, regions: Sequence[LesionDose]) -> list[Block]:
    """Return the table of dose by radiation; nothing but for alpha emitters.

    Parameters
    ----------
    result
        Of the dosimetry.
    regions
        Of it, in the order of what matters.
    """
    rbe = result.config.alpha_rbe
    found = [(one.course.name, parts) for one in regions if (parts := radiation_data(one, rbe)) is not None]
    if not found:
        return []
    columns = ["Region", "Alphas [Gy]", "Electrons [Gy]", "Photons [Gy]"]
    if rbe is not None:
        columns.append(f"Weighted, alphas by {rbe:g} [Gy]")
    return [
        Table(
            "Mean absorbed dose by what the chain emits, by Monte Carlo",
            tuple(columns),
            tuple((name, *parts.values()) for name, parts in found),
        )
    ]
