"""Make ``tables/positron_production/cross_sections.csv`` from the measured points beside this file.

Usage: ``python validation/positron_emitters/evaluate.py OUT.csv``

Curves are piecewise linear. Where an evaluation resolves resonances, its points stand as they are; beyond,
values at nodes come from weighted least squares over the measured points. No point counts for more than a
relative uncertainty of ``LEAST_RELATIVE``: series differ from each other by more than most of them state.
"""

import csv
import sys
from pathlib import Path

import numpy as np

LEAST_RELATIVE = 0.08
UNSTATED_RELATIVE = 0.15
LEAST_MB = 0.5
#: Mole fraction of carbon-13 in natural carbon.
CARBON_13 = 0.0107
HIGHEST_MEV = 250.0

#: Target and product: threshold, energy up to which TENDL-2024's points stand as they are, nodes [MeV].
CURVES = {
    ("C", "C-11"): (17.9, 0.0, (18.8, 19.6, 21, 23, 25, 27, 30, 35, 45, 60, 80, 97, 120, 150, 185, 220)),
    ("13C", "N-13"): (3.2, 0.0, (5.2, 6.6, 8.2, 9.2, 12.1, 15, 21, 25, 30, 155)),
    ("N", "C-11"): (3.1, 22.0, (25, 28, 32, 45, 200)),
    ("N", "N-13"): (11.4, 0.0, (13, 15, 17, 19, 22, 32, 47, 60, 80, 105, 156)),
    ("O", "C-11"): (29.0, 0.0, (30, 31.5, 33, 34.5, 36, 38, 40, 43, 51, 60, 70, 92, 190)),
    ("O", "N-13"): (5.6, 17.6, (18.5, 20, 21.5, 24, 28, 31, 35, 40, 46, 52, 60, 70, 92, 190)),
    ("O", "O-15"): (16.65, 0.0, (17.7, 20, 22, 24, 26, 28, 30, 34, 40, 48, 60, 72, 90, 110, 130, 155, 217)),
}

#: Series left out up to an energy [MeV]; README.md says why.
LEFT_OUT_UP_TO = {
    ("N", "N-13", "C0062017"): 30.0,
    ("O", "O-15", "C0062016"): 31.0,
    ("N", "N-13", "D0165004"): 300.0,
    ("O", "N-13", "O0065005"): 16.0,
}


def points(path: Path) -> dict[tuple[str, str], list[dict[str, str]]]:
    """Return the rows of each reaction."""
    found: dict[tuple[str, str], list[dict[str, str]]] = {}
    lines = [line for line in path.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    for row in csv.DictReader(lines):
        found.setdefault((row["target"], row["product"]), []).append(row)
    return found


def fit(
    energy: np.ndarray, value: np.ndarray, error: np.ndarray, nodes: np.ndarray, first: float
) -> np.ndarray:
    """Return values at nodes, the first of which is held at ``first``; outliers count less (Huber)."""
    hats = np.stack([np.interp(energy, nodes, row) for row in np.eye(len(nodes))], axis=1)
    found = np.zeros(len(nodes))
    weight = 1.0 / error
    for _ in range(30):
        wanted = (value - hats[:, 0] * first) * weight
        found = np.append(first, np.linalg.lstsq(hats[:, 1:] * weight[:, None], wanted, rcond=None)[0])
        sigmas = np.abs(hats @ found - value) / error
        weight = np.sqrt(1.5 / np.maximum(sigmas, 1.5)) / error
    return found


def curve(reaction: tuple[str, str], rows: list[dict[str, str]]) -> tuple[np.ndarray, np.ndarray]:
    """Return energies [MeV] and cross sections [mb]."""
    threshold, resolved_to, nodes = CURVES[reaction]
    resolved = sorted(
        (float(r["energy_mev"]), float(r["cross_section_mb"]))
        for r in rows
        if r["source"] == "TENDL-2024" and float(r["energy_mev"]) <= resolved_to + 1e-6
    )
    if not resolved:
        resolved = [(threshold, 0.0)]
    used = [
        r
        for r in rows
        if resolved[-1][0] < float(r["energy_mev"])
        and float(r["energy_mev"]) > LEFT_OUT_UP_TO.get((*reaction, r["source"]), 0.0)
    ]
    energy, value, error = (
        np.array([float(r[name]) for r in used])
        for name in ("energy_mev", "cross_section_mb", "uncertainty_mb")
    )
    error = np.where(error > 0, error, UNSTATED_RELATIVE * value)
    error = np.maximum(np.maximum(error, LEAST_RELATIVE * value), LEAST_MB)
    start, first = resolved[-1]
    at = np.array([start, *nodes], float)
    fitted = np.maximum(fit(energy, value, error, at, first), 0.0)
    energies = np.array([e for e, _ in resolved[:-1]] + at.tolist() + [HIGHEST_MEV])
    values = np.array([x for _, x in resolved[:-1]] + fitted.tolist() + [fitted[-1]])
    far = np.abs(np.interp(energy, energies, values) - value) / error
    sys.stderr.write(f"{reaction}: {len(used)} points, rms deviation {np.sqrt((far**2).mean()):.2f} sigma\n")
    return energies, values * (CARBON_13 if reaction[0] == "13C" else 1.0)


def main(out: Path) -> None:
    """Write the table."""
    found = points(Path(__file__).with_name("measured.csv"))
    lines = ["# Cross section of a nucleus of the natural element; linear between, 0 below; see SOURCE.md"]
    lines.append("atomic_number,nuclide,energy_mev,cross_section_mb")
    for reaction in CURVES:
        z = {"C": 6, "13C": 6, "N": 7, "O": 8}[reaction[0]]
        for energy, value in zip(*curve(reaction, found[reaction]), strict=True):
            lines.append(f"{z},{reaction[1]},{energy:.6g},{value:.4g}")
    out.write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
