r"""Blood smeared out on its way through tubes, and that undone.

A tube or a vessel that mixes with time constant :math:`\tau` shows [1]_

.. math:: g(t) = \frac{1}{\tau} \int_0^t c(s)\, e^{-(t - s)/\tau}\, ds, \qquad c(t) = g(t) + \tau\, g'(t).

References
----------
.. [1] iida1986dispersion
"""

from __future__ import annotations

import math
from typing import Final

import numpy as np
from numpy.typing import ArrayLike

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.input_function import piecewise_convolution
from tumorboard.provenance import Record

__all__ = ["correct_dispersion", "disperse", "undispersed"]

#: The corrected curve jumps where the measured one has a corner; the jump takes this long [s].
_JUMP_S: Final = 1e-6


def disperse(curve: BloodCurve, tau_s: float, times_s: ArrayLike) -> BloodCurve:
    """Return a curve as it is after mixing, exactly, at some times [1]_.

    Parameters
    ----------
    curve
        Straight lines between its samples, 0 before the first, constant after the last.
    tau_s
        Time constant of the mixing, > 0 [s].
    times_s
        Where the result is wanted, increasing, shape ``(m,)`` [s].

    Raises
    ------
    InputError
        When the time constant is not above 0.

    References
    ----------
    .. [1] iida1986dispersion

    Examples
    --------
    >>> step = BloodCurve([0.0, 100.0], [1.0, 1.0])
    >>> disperse(step, 10.0, [0.0, 10.0]).values.round(6).tolist()  # 1 - 1/e
    [0.0, 0.632121]
    """
    _require(tau_s, zero=False)
    points = np.asarray(times_s, np.float64)
    smeared = piecewise_convolution(curve.times_s, curve.values, [1.0 / tau_s], points)[0][0] / tau_s
    return BloodCurve(points, smeared)


def correct_dispersion(curve: BloodCurve, tau_s: float) -> BloodCurve:
    """Undo mixing, exactly for straight lines between the samples [1]_.

    On a straight piece the value before mixing is the measured one plus the slope times the time constant.
    Where two pieces meet the result jumps, within a microsecond, so it has twice as many samples less two.
    Noise grows about as the time constant over the distance of the samples: smooth samples first, or fit a
    formula to them.

    Parameters
    ----------
    curve
        As measured after mixing; the line from 0 at the injection to its first sample is part of it.
    tau_s
        Time constant of the mixing, > 0 [s].

    Returns
    -------
    BloodCurve
        May be negative where the measured curve falls faster than mixing lets it.

    Raises
    ------
    InputError
        When the time constant is not above 0, or there is one sample only.

    References
    ----------
    .. [1] iida1986dispersion

    Examples
    --------
    >>> correct_dispersion(BloodCurve([0.0, 10.0, 20.0], [0.0, 5.0, 5.0]), 4.0).values.tolist()
    [2.0, 7.0, 5.0, 5.0]
    """
    _require(tau_s, zero=False)
    times, values = curve.times_s, curve.values
    if times[0] > 0.0 and values[0] != 0.0:
        times, values = np.append(0.0, times), np.append(0.0, values)
    if times.size < 2:
        raise InputError("samples must be at least 2 to undo dispersion; got 1")
    if np.diff(times).min() <= 2.0 * _JUMP_S:
        raise InputError("samples must be further apart than 2e-6 s to undo dispersion; average close ones")
    rise = tau_s * np.diff(values) / np.diff(times)
    before, after = values[:-1] + rise, values[1:] + rise
    corrected = np.empty(2 * rise.size)
    corrected[0::2], corrected[1::2] = before, after
    nodes = np.empty_like(corrected)
    nodes[0::2], nodes[1::2] = times[:-1], times[1:]
    nodes[2::2] += _JUMP_S
    return BloodCurve(nodes, corrected)


def undispersed(samples: BloodSamples, *, whole_blood_tau_s: float, plasma_tau_s: float) -> BloodSamples:
    """Undo the mixing of each curve of samples.

    Parameters
    ----------
    samples
        As measured.
    whole_blood_tau_s, plasma_tau_s
        Time constants; 0 for a curve that was not mixed, as samples drawn by hand are not [s].

    Returns
    -------
    BloodSamples
        The parent fraction stays as it is.

    Examples
    --------
    >>> line = BloodCurve([0.0, 10.0], [0.0, 5.0])
    >>> samples = BloodSamples(line, None, None, Record("example"))
    >>> undispersed(samples, whole_blood_tau_s=4.0, plasma_tau_s=0.0).whole_blood.values.tolist()
    [2.0, 7.0]
    """
    taus = (float(whole_blood_tau_s), float(plasma_tau_s))
    for tau in taus:
        _require(tau, zero=True)
    curves = (samples.whole_blood, samples.plasma)
    whole, plasma = (
        correct_dispersion(curve, tau) if curve is not None and tau > 0.0 else curve
        for curve, tau in zip(curves, taus, strict=True)
    )
    parameters = {"whole_blood_tau_s": taus[0], "plasma_tau_s": taus[1]}
    record = Record("pet.kinetics.undispersed", parameters, (samples.provenance,), ("iida1986dispersion",))
    return BloodSamples(whole, plasma, samples.parent_fraction, record)


def _require(tau_s: float, *, zero: bool) -> None:
    if not (math.isfinite(tau_s) and (tau_s > 0.0 or (zero and tau_s == 0.0))):
        raise InputError(
            f"time constant of dispersion must be {'>=' if zero else '>'} 0 [s]; got {tau_s:g}; tubes "
            "outside the body have some 10 s"
        )
