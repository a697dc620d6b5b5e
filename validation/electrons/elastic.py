"""Write the tables of elastic scattering: ``transport_cross_sections.csv`` and ``electron_cloud.csv``.

Needs numba, scipy and xraydb (of which only Waasmaier and Kirfel's form factors are read)::

    python elastic.py FOLDER

Up to 0.1 MeV (0.2 MeV beyond zinc) Dirac's equation is solved for each partial wave in the static field of
the free atom, whose electrons are Gaussians as the form factor has it. Above, the transport cross section is
Born's with the form factor, plus the difference of the exact and Born's sums over partial waves of the bare
Coulomb field: this difference comes from waves that pass inside the atom. Takes half an hour.
"""

import json
import math
import sqlite3
import sys
from pathlib import Path

import numpy as np
import xraydb
from numba import njit
from scipy.special import digamma, erfc, loggamma, spherical_jn, spherical_yn

FINE_STRUCTURE = 7.2973525693e-3
HBAR_C_MEV_CM = 1.973269804e-11
MASS_MEV = 0.51099895
LIGHT_SPEED = 137.035999  # atomic units
HARTREE_MEV = 27.211386e-6
BOHR_ANGSTROM = 0.529177
ENERGIES_MEV = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0)
WAVES = 4000


def coefficients(z):
    """Return heights, exponents [angstrom2] and the constant of Waasmaier and Kirfel's form factor."""
    path = Path(xraydb.__file__).parent / "xraydb.sqlite"
    with sqlite3.connect(path) as base:
        base.row_factory = sqlite3.Row
        row = base.execute("select * from Waasmaier where ion=?", (xraydb.atomic_symbol(z),)).fetchone()
    return json.loads(row["scale"]), json.loads(row["exponents"]), float(row["offset"])


def form_factor(z, transfer_per_angstrom):
    """Return F at a momentum transfer over hbar; as its inverse fourth power beyond the fit's reach."""
    heights, exponents, constant = coefficients(z)

    def fit(s):
        return sum(a * np.exp(-b * s * s) for a, b in zip(heights, exponents, strict=True)) + constant

    s = transfer_per_angstrom / (4.0 * np.pi)
    scale = z / fit(0.0)
    return scale * np.where(s > 6.0, fit(6.0) * (6.0 / np.maximum(s, 6.0)) ** 4, fit(np.minimum(s, 6.0)))


def screened_charge(z):
    """Return radii [bohr] and the charge that is felt there."""
    heights, exponents, constant = coefficients(z)
    radii = np.exp(np.linspace(np.log(1e-5), np.log(15.0), 1500))
    # The constant is electrons close to the nucleus; so are terms that hardly fall.
    charge = np.zeros_like(radii)
    for a, b in [*zip(heights, exponents, strict=True), (constant, 0.0)]:
        sigma = math.sqrt(max(b, 0.02) / (8.0 * np.pi**2)) / BOHR_ANGSTROM
        charge += a * z / (sum(heights) + constant) * erfc(radii / (math.sqrt(2.0) * sigma))
    return radii, charge


@njit
def slopes(x, p, q, kappa, energy, light, charge):
    """Return the slopes of Dirac's large and small components at radius ``x``."""
    field = energy + charge / x
    return -kappa / x * p + (field + 2.0 * light * light) / light * q, kappa / x * q - field / light * p


@njit
def charge_at(x, radii, charges, nucleus, sign):
    """Return the charge felt at a radius, with the sign of the projectile's attraction."""
    at = math.log(x / radii[0]) / math.log(radii[1] / radii[0])
    if at <= 0.0:
        return sign * nucleus
    if at >= radii.size - 1:
        return 0.0
    i = int(at)
    return sign * (charges[i] + (at - i) * (charges[i + 1] - charges[i]))


@njit
def outer_slopes(k, light, energy, last_wave, radii, charges, outside, nucleus, sign, out):
    """Integrate every partial wave from the nucleus to ``outside``; write P'/P there to ``out``."""
    for wave in range(last_wave + 1):
        for spin in range(2):
            if spin == 1 and wave == 0:
                out[0, 1] = 0.0
                continue
            kappa = -(wave + 1.0) if spin == 0 else float(wave)
            power = math.sqrt(kappa * kappa - (nucleus / light) ** 2)
            x, p = max(1e-5, 0.25 * wave / k * math.exp(-20.0 / (wave + 1.0))), 1.0
            q = light * (kappa + power) / (sign * nucleus)
            if wave >= 3:
                x_charge = charge_at(x, radii, charges, nucleus, sign)
                q = (wave + 1.0 + kappa) / x * light / (energy + x_charge / x + 2.0 * light * light)
            else:
                x = 1e-5
            while x < outside:
                h = min(0.05 * x, 0.12 / k)
                if wave >= 3:
                    h = min(0.3 * x / (wave + 1.0) if x * k < wave else 0.12 / k, 0.12 / k)
                h = min(h, outside - x)
                c0 = charge_at(x, radii, charges, nucleus, sign)
                c1 = charge_at(x + 0.5 * h, radii, charges, nucleus, sign)
                c2 = charge_at(x + h, radii, charges, nucleus, sign)
                a, b = slopes(x, p, q, kappa, energy, light, c0)
                c, d = slopes(x + 0.5 * h, p + 0.5 * h * a, q + 0.5 * h * b, kappa, energy, light, c1)
                e, f = slopes(x + 0.5 * h, p + 0.5 * h * c, q + 0.5 * h * d, kappa, energy, light, c1)
                g, o = slopes(x + h, p + h * e, q + h * f, kappa, energy, light, c2)
                p += h / 6.0 * (a + 2.0 * (c + e) + g)
                q += h / 6.0 * (b + 2.0 * (d + f) + o)
                x += h
                if abs(p) > 1e60:
                    p, q = p * 1e-60, q * 1e-60
            out[wave, spin] = (-kappa / outside * p + (energy + 2.0 * light * light) / light * q) / p


def by_partial_waves(z, energy_mev, atom, sign):
    """Return the first and second transport cross sections [cm2], exact for the static field."""
    radii, charges = atom
    energy = energy_mev / HARTREE_MEV
    k = math.sqrt(energy * (energy + 2.0 * LIGHT_SPEED**2)) / LIGHT_SPEED
    outside = max(float(radii[np.flatnonzero(charges > 1e-6)[-1]]), 12.0 / k)
    last = int(0.8 * k * outside) + 12
    slope = np.zeros((last + 1, 2))
    outer_slopes(k, LIGHT_SPEED, energy, last, radii, charges, outside, float(z), sign, slope)
    wave, x = np.arange(last + 1), k * outside
    j, y = spherical_jn(wave, x)[:, None], spherical_yn(wave, x)[:, None]
    dj, dy = spherical_jn(wave, x, True)[:, None], spherical_yn(wave, x, True)[:, None]
    with np.errstate(all="ignore"):
        phase = np.arctan((slope * outside * j - j - x * dj) / (slope * outside * y - y - x * dy))
    phase[0, 1] = 0.0
    turn = np.expm1(2j * np.nan_to_num(phase))
    cosine, weight = np.polynomial.legendre.leggauss(last + 4)
    f, g = np.zeros(cosine.size, complex), np.zeros(cosine.size, complex)
    before = pl = np.ones_like(cosine)
    q_before, ql = np.zeros_like(cosine), np.zeros_like(cosine)
    for n in range(last + 1):
        if n == 1:
            pl, ql = cosine, np.sqrt(1.0 - cosine**2)
        elif n > 1:
            before, pl = pl, ((2 * n - 1) * cosine * pl - (n - 1) * before) / n
            q_before, ql = ql, ((2 * n - 1) * cosine * ql - n * q_before) / (n - 1)
        f += ((n + 1) * turn[n, 0] + n * turn[n, 1]) * pl
        g += (turn[n, 1] - turn[n, 0]) * ql
    section = 2.0 * np.pi * (abs(f) ** 2 + abs(g) ** 2) / (4.0 * k * k) * (BOHR_ANGSTROM * 1e-8) ** 2
    return (weight * (1.0 - cosine)) @ section, (weight * 1.5 * (1.0 - cosine**2)) @ section


def coulomb_waves(strength, energy_mev):
    """Return what each partial wave of a bare charge adds to sigma1 k^2 / 4 pi."""
    total, p = energy_mev + MASS_MEV, math.sqrt(energy_mev * (energy_mev + 2.0 * MASS_MEV))
    eta = strength * total / p

    def phase(kappa, wave):
        s = np.sqrt(kappa**2 - strength**2)
        spin = (-kappa + 1j * eta * MASS_MEV / total) / (s + 1j * eta)
        return 0.5 * np.angle(spin) - np.imag(loggamma(s + 1j * eta)) + 0.5 * np.pi * (wave + 1 - s)

    wave = np.arange(WAVES + 2.0)
    up, down = phase(-(wave + 1.0), wave), np.zeros(WAVES + 2)
    down[1:] = phase(wave[1:], wave[1:])
    n = wave[:-1]
    terms = (n + 1) * (n + 2) / (2 * n + 3) * np.sin(up[:-1] - up[1:]) ** 2
    terms[1:] += n[1:] * (n[1:] + 1) / (2 * n[1:] + 1) * np.sin(down[1:-1] - down[2:]) ** 2
    return terms + (n + 1) / ((2 * n + 1) * (2 * n + 3)) * np.sin(up[:-1] - down[1:]) ** 2


def by_born(z, energy_mev, sign):
    """Return the first and second transport cross sections [cm2], with the exact Coulomb correction."""
    total, p2 = energy_mev + MASS_MEV, energy_mev * (energy_mev + 2.0 * MASS_MEV)
    logs = np.linspace(np.log(1e-12), 0.0, 4001)
    half = np.exp(logs)  # (1 - cosine) / 2
    form = form_factor(z, 2.0 * np.sqrt(p2 * half) / HBAR_C_MEV_CM * 1e-8)
    section = (FINE_STRUCTURE * HBAR_C_MEV_CM * total / (2.0 * p2 * half)) ** 2
    section *= (1.0 - p2 / total**2 * half) * (z - form) ** 2 * 4.0 * np.pi * half
    first = np.trapezoid(2.0 * half * section, logs)
    second = np.trapezoid(6.0 * half * (1.0 - half) * section, logs)
    strength, tiny = sign * FINE_STRUCTURE * z, sign * 1e-3
    eta2 = (strength * total) ** 2 / p2
    scale = 4.0 * np.pi * HBAR_C_MEV_CM**2 / p2
    born = coulomb_waves(tiny, energy_mev) * (strength / tiny) ** 2
    all_of_it = scale * np.sum(coulomb_waves(strength, energy_mev) - born)
    small_angles = -scale * eta2 * (np.real(digamma(1.0 + 1j * math.sqrt(eta2))) + np.euler_gamma)
    large_angles = all_of_it - small_angles
    return first + all_of_it, second + 3.0 * small_angles + 2.5 * large_angles


def cloud_kev_c(z):
    """Return the momentum below which an atom's electrons do not scatter one by one."""
    logs = np.linspace(np.log(1e-5), np.log(1e3), 8000)
    share = np.clip(1.0 - (form_factor(z, np.exp(logs)) / z) ** 2, 0.0, 1.0)
    return math.exp(logs[-1] - np.trapezoid(share, logs)) * HBAR_C_MEV_CM * 1e11


def main(folder):
    """Write both tables."""
    with (folder / "electron_cloud.csv").open("w", encoding="utf-8") as file:
        file.write("atomic_number,momentum_kev_c\n")
        for z in range(1, 93):
            file.write(f"{z},{cloud_kev_c(z):.5g}\n")
    with (folder / "transport_cross_sections.csv").open("w", encoding="utf-8") as file:
        file.write("atomic_number,energy_mev,first_electron,second_electron,first_positron,second_positron\n")
        for z in range(1, 93):
            atom, last = screened_charge(z), 0.15 if z <= 30 else 0.3
            for energy in ENERGIES_MEV:
                pairs = (
                    by_partial_waves(z, energy, atom, sign) if energy < last else by_born(z, energy, sign)
                    for sign in (1.0, -1.0)
                )
                file.write(f"{z},{energy:g}," + ",".join(f"{v:.5g}" for pair in pairs for v in pair) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
