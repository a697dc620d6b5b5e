"""Where the energy went: the account that every transport run closes."""

from __future__ import annotations

from dataclasses import dataclass, fields

__all__ = ["EnergyBalance"]


@dataclass(frozen=True, slots=True)
class EnergyBalance:
    """Energy per history, and whether any history got stuck.

    Parameters
    ----------
    brought_mev
        Kinetic energy of the source's particles that reached the medium [MeV].
    deposited_mev
        Left in voxels, what slow particles leave where they are given up included [MeV].
    cut_mev
        The part of ``deposited_mev`` that particles below their cut left at once [MeV].
    escaped_mev
        Carried out of the medium by particles that are followed [MeV].
    handed_on_mev
        Given to particles that this run does not follow and that do not stay: neutrons, gammas,
        bremsstrahlung, and the rest masses and binding energies that reactions cost or free [MeV].
    missed_mev
        Of the source's particles that do not meet the medium [MeV].
    largest_error_mev
        Of any one history: the most that its account failed to close by [MeV].
    stuck
        Histories given up because they took too many steps; must be 0.
    """

    brought_mev: float
    deposited_mev: float
    cut_mev: float
    escaped_mev: float
    handed_on_mev: float
    missed_mev: float
    largest_error_mev: float
    stuck: int

    @property
    def deposited_fraction(self) -> float:
        """Deposited energy over what was brought; 0 when nothing was."""
        return self.deposited_mev / self.brought_mev if self.brought_mev > 0 else 0.0

    def to_dict(self) -> dict[str, float]:
        """Return the numbers by name."""
        return {f.name: getattr(self, f.name) for f in fields(self)}
