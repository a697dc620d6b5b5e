"""What models' coefficients come to: parameters by name, and their units, in regions and in voxels alike.

Coefficients are numbers, or arrays over voxels; complex where derivatives are taken.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from tumorboard.units import S_PER_MIN

__all__ = [
    "IRREVERSIBLE",
    "MA1",
    "MA2",
    "MRTM2",
    "ONE_TISSUE",
    "REFERENCE",
    "REVERSIBLE",
    "irreversible",
    "ma1",
    "ma2",
    "mrtm1",
    "mrtm2",
    "one_tissue",
    "reversible",
    "srtm",
    "srtm2",
]

_UNITS: Final = {
    "K1": "mL/cm3/min",
    "k2": "1/min",
    "k3": "1/min",
    "k4": "1/min",
    "vB": "1",
    "VND": "mL/cm3",
    "VS": "mL/cm3",
    "VT": "mL/cm3",
    "BPND": "1",
    "Ki": "mL/cm3/min",
    "R1": "1",
    "k2a": "1/min",
    "k2'": "1/min",
    "b": "1/min",
}


def _units(*names: str) -> Mapping[str, str]:
    return {name: _UNITS[name] for name in names}


#: Units of each model's parameters, in the order of reports.
ONE_TISSUE: Final = _units("K1", "k2", "vB", "VT")
REVERSIBLE: Final = _units("K1", "k2", "k3", "k4", "vB", "VND", "VS", "VT", "BPND")
IRREVERSIBLE: Final = _units("K1", "k2", "k3", "vB", "VND", "Ki")
MA1: Final = _units("VT", "b")
MA2: Final = _units("VT", "VS", "VND", "K1", "k2", "k3", "k4")
REFERENCE: Final = _units("BPND", "R1", "k2", "k2a", "k2'")
#: Where k2' is given.
MRTM2: Final = _units("BPND", "R1", "k2", "k2a")


def one_tissue(c: Any) -> dict[str, Any]:
    """Return parameters from K1, k2 [1/s] and blood's share."""
    return {"K1": c[0] * S_PER_MIN, "k2": c[1] * S_PER_MIN, "vB": c[2], "VT": c[0] / c[1]}


def reversible(c: Any) -> dict[str, Any]:
    """Return parameters from K1 to k4 [1/s] and blood's share."""
    k1, k2, k3, k4, blood = c
    found = {f"k{n}": rate * S_PER_MIN for n, rate in ((2, k2), (3, k3), (4, k4))}
    free, bound = k1 / k2, k3 / k4
    found |= {"K1": k1 * S_PER_MIN, "vB": blood, "VND": free, "VS": free * bound, "BPND": bound}
    return found | {"VT": free * (1.0 + bound)}


def irreversible(c: Any) -> dict[str, Any]:
    """Return parameters from K1 to k4 [1/s], of which the last plays no part, and blood's share."""
    k1, k2, k3, _, blood = c
    found = {"K1": k1 * S_PER_MIN, "k2": k2 * S_PER_MIN, "k3": k3 * S_PER_MIN, "vB": blood, "VND": k1 / k2}
    return found | {"Ki": S_PER_MIN * k1 * k3 / (k2 + k3)}


def ma1(c: Any) -> dict[str, Any]:
    """Return parameters from VT times b, and -b."""
    return {"VT": -c[0] / c[1], "b": -c[1]}


def ma2(c: Any) -> dict[str, Any]:
    """Return parameters from K1 (k3 + k4), -k2 k4, -(k2 + k3 + k4), and K1."""
    vt = -c[0] / c[1]
    k2 = -c[2] - c[0] / c[3]
    k4 = -c[1] / k2
    vnd = c[3] / k2
    return {
        "VT": vt,
        "VS": vt - vnd,
        "VND": vnd,
        "K1": c[3],
        "k2": k2,
        "k3": c[0] / c[3] - k4,
        "k4": k4,
    }


def mrtm1(c: Any) -> dict[str, Any]:
    """Return parameters from k2, -k2a = -k2 / (1 + BPND), and R1 = k2 / k2'."""
    return {"BPND": -c[0] / c[1] - 1.0, "R1": c[2], "k2": c[0], "k2a": -c[1], "k2'": c[0] / c[2]}


def mrtm2(c: Any, k2_prime: float) -> dict[str, Any]:
    """Return parameters from k2 and -k2a, with k2' given."""
    return {"BPND": -c[0] / c[1] - 1.0, "R1": c[0] / k2_prime, "k2": c[0], "k2a": -c[1]}


def srtm(c: Any) -> dict[str, Any]:
    """Return parameters from R1, k2 - R1 k2a, and k2a.

    C = R1 r + (k2 - R1 k2a) r * exp(-k2a t); k2a = k2 / (1 + BPND), R1 = k2 / k2'.
    """
    k2 = c[1] + c[0] * c[2]
    return {"BPND": c[0] + c[1] / c[2] - 1.0, "R1": c[0], "k2": k2, "k2a": c[2], "k2'": k2 / c[0]}


def srtm2(c: Any) -> dict[str, Any]:
    """Return parameters from R1, k2a and k2'."""
    k2 = c[0] * c[2]
    return {"BPND": k2 / c[1] - 1.0, "R1": c[0], "k2": k2, "k2a": c[1], "k2'": c[2]}
