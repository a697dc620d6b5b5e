"""Speed, momentum and largest energy transfer of a proton."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

__all__ = [
    "ELECTRON_MASS_MEV",
    "PROTON_MASS_MEV",
    "beta_squared",
    "largest_transfer_mev",
    "momentum_speed_mev",
]

#: Rest energies [MeV], CODATA 2018.
PROTON_MASS_MEV: Final = 938.27208816
ELECTRON_MASS_MEV: Final = 0.51099895


def beta_squared(energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Return :math:`\beta^2 = (v/c)^2`.

    Parameters
    ----------
    energy_mev
        Kinetic energy, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape.

    Examples
    --------
    >>> round(float(beta_squared(np.array(150.0))), 4)
    0.2567
    """
    tau = energy_mev / PROTON_MASS_MEV
    return tau * (tau + 2.0) / (tau + 1.0) ** 2


def momentum_speed_mev(energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return momentum times speed, pv.

    Parameters
    ----------
    energy_mev
        Kinetic energy, any shape [MeV].

    Returns
    -------
    ndarray
        pv, of that shape [MeV]; twice the energy when slow.

    Examples
    --------
    >>> round(float(momentum_speed_mev(np.array(150.0))), 1)
    279.3
    """
    tau = energy_mev / PROTON_MASS_MEV
    return energy_mev * (tau + 2.0) / (tau + 1.0)


def largest_transfer_mev(energy_mev: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the largest energy that a proton can give to a free electron.

    Parameters
    ----------
    energy_mev
        Kinetic energy, any shape [MeV].

    Returns
    -------
    ndarray
        Of that shape [MeV].

    Examples
    --------
    >>> round(float(largest_transfer_mev(np.array(150.0))), 3)
    0.352
    """
    tau = energy_mev / PROTON_MASS_MEV
    ratio = ELECTRON_MASS_MEV / PROTON_MASS_MEV
    return 2.0 * ELECTRON_MASS_MEV * tau * (tau + 2.0) / (1.0 + 2.0 * (1.0 + tau) * ratio + ratio**2)
