"""What an inelastic reaction of a proton emits on average: the row that a transport adds to a voxel."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tumorboard.physics.positron_emitter_production import positron_emitter_yields
from tumorboard.physics.prompt_gammas import prompt_gamma_yields

__all__ = ["emission_yields"]


def emission_yields(
    atomic_number: int, energy_mev: ArrayLike, gamma_edges_mev: ArrayLike
) -> NDArray[np.float64]:
    """Return what an inelastic reaction emits: prompt gammas by energy, then C-11, N-13 and O-15.

    Expected values: a transport that adds this row at each reaction needs no random numbers for what is
    emitted, and its scatter is that of the reactions alone. Reactions of neutrons, deuterons and alpha
    particles emit too; they are not among these.

    Parameters
    ----------
    atomic_number
        2 to 92: of the nucleus itself, even where its reactions come from a neighbour's tables.
    energy_mev
        Kinetic energies of the protons, >= 0, shape ``(n,)`` [MeV].
    gamma_edges_mev
        Ascending edges of the gammas' energies, >= 0, shape ``(m + 1,)`` [MeV].

    Returns
    -------
    ndarray
        Shape ``(n, m + 3)`` [1/reaction]; the last three in the order of
        :data:`~tumorboard.physics.positron_emitter_production.EMITTERS`.

    Raises
    ------
    InputError
        When energies are negative or not finite, edges do not ascend, or for hydrogen.

    Examples
    --------
    >>> emission_yields(8, [150.0], [3.0, 4.0, 6.0]).round(3)
    array([[0.063, 0.175, 0.042, 0.014, 0.141]])
    """
    gammas = prompt_gamma_yields(atomic_number, energy_mev, gamma_edges_mev)
    return np.concatenate([gammas, positron_emitter_yields(atomic_number, energy_mev)], axis=1)
