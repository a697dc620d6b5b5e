"""From what a user types about a radioligand's dose to the choices of the dosimetry."""

from __future__ import annotations

from typing import Any

from tumorboard.core.nuclide import Nuclide
from tumorboard.dosimetry.progeny_fate import ProgenyAssumption, ProgenyFate
from tumorboard.physics.decay_library import DecayLibrary
from tumorboard.workflows.board.radioligand_choices import (
    PROGENY,
    RadioligandChoices,
    leaving_member,
    stated_half_lives,
)
from tumorboard.workflows.radioligand.config import CurveChoice, HalfLives, SingleScan

__all__ = ["half_lives_of", "progeny_fate", "radioligand_options"]


def radioligand_options(choices: RadioligandChoices) -> dict[str, Any]:
    """Return the choices as fields of :class:`tumorboard.workflows.radioligand.config.RadioligandConfig`.

    Parameters
    ----------
    choices
        As typed, but progeny, which depends on the nuclide.
    """
    return {
        "curve": CurveChoice(choices.curve),
        "single_scan": None if choices.single_scan is None else SingleScan(choices.single_scan),
        "half_lives": half_lives_of(choices),
        "library": DecayLibrary(choices.library),
        "alpha_rbe": choices.alpha_rbe,
    }


def half_lives_of(choices: RadioligandChoices) -> dict[str, HalfLives]:
    """Return a population's half-lives by region; that of ``""`` is for all others.

    Parameters
    ----------
    choices
        As typed.

    Examples
    --------
    >>> half_lives_of(RadioligandChoices(half_lives=("Left kidney=45:1.2",)))["Left kidney"].median_h
    45.0
    """
    found = (stated_half_lives(text) for text in choices.half_lives)
    return {region: HalfLives(median, spread, "stated by the user") for region, median, spread in found}


def progeny_fate(choices: RadioligandChoices, *, is_alpha: bool) -> ProgenyFate | None:
    """Return what is assumed of progeny; with its parent where nothing is chosen for an alpha emitter.

    Parameters
    ----------
    choices
        As typed.
    is_alpha
        Whether the nuclide treats by its progeny's alphas.

    Examples
    --------
    >>> progeny_fate(RadioligandChoices(progeny="Fr-221=0.3"), is_alpha=True).statement
    'Progeny decays where it is made, but 30 % of Fr-221 leaves at once.'
    """
    if choices.progeny is None:
        return ProgenyFate(ProgenyAssumption.WITH_PARENT) if is_alpha else None
    if choices.progeny in PROGENY:
        return ProgenyFate(ProgenyAssumption(choices.progeny))
    leaving: dict[Nuclide | str, float] = {}
    half_lives: dict[Nuclide | str, float] = {}
    for part in choices.progeny.split(","):
        name, value, is_half_life = leaving_member(part)
        (half_lives if is_half_life else leaving)[name] = value * (3600.0 if is_half_life else 1.0)
    return ProgenyFate(ProgenyAssumption.MOVES, leaving, half_lives)
