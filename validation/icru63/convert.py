"""Make ``tables/icru63/proton.npz`` from MCsquare's text tables of ICRU Report 63.

Usage: ``python validation/icru63/convert.py MATERIALS_FOLDER OUT.npz``, where the folder holds
``Materials_<element>/ICRU_Nuclear_elastic.dat``, ``ICRU_Nuclear_inelastic.dat`` and ``ICRU_PromptGamma.dat``.
"""

import sys
from pathlib import Path

import numpy as np

ELEMENTS = {"carbon": 6, "nitrogen": 7, "oxygen": 8, "phosphorus": 15, "calcium": 20}
PARTICLES = ("proton", "deuteron", "alpha")
ANGLES_DEG = (0, 10, 20, 30, 40, 50, 60, 70, 90, 110, 130, 150, 180)


def blocks(path: Path) -> list[list[list[str]]]:
    """Return the words of the lines of each incident energy."""
    found: list[list[list[str]]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        words = line.split("#")[0].split()
        if words and words[0] == "Energy":
            found.append([])
        if words and found:
            found[-1].append(words)
    return found


def require(true: bool, what: object) -> None:
    """Stop where the files are not as described."""
    if not true:
        raise ValueError(f"unexpected content: {what}")


def elastic(path: Path) -> dict[str, np.ndarray]:
    """Return energies [MeV], cross sections [b] and those per solid angle [b/sr]."""
    energies, sigma, angles, differential = [], [], [], []
    for block in blocks(path):
        energies.append(float(block[0][1]))
        sigma.append(float(block[1][1]))
        rows = np.array([w for w in block if w[0][0].isdigit()], float)
        angles.append(rows[:, 0])
        differential.append(rows[:, 1])
    require(all((a == angles[0]).all() for a in angles), path)
    return {
        "elastic_energy_mev": np.array(energies),
        "elastic_b": np.array(sigma),
        "elastic_angle_deg": angles[0],
        "elastic_b_sr": np.array(differential),
    }


def inelastic(path: Path) -> dict[str, np.ndarray]:
    """Return cross sections, multiplicities, recoil fractions and production cross sections."""
    found = blocks(path)
    n, rows = len(found), 41
    energies, sigma, recoil = np.zeros(n), np.zeros(n), np.zeros(n)
    multiplicity = np.zeros((n, 3))
    out_energy, integral = np.zeros((n, 3, rows)), np.zeros((n, 3, rows))
    differential = np.zeros((n, 3, rows, len(ANGLES_DEG)))
    for i, block in enumerate(found):
        particle, row = -1, 0
        for words in block:
            if words[0] == "Energy":
                energies[i] = float(words[1])
            elif words[0] == "Cross_section":
                sigma[i] = float(words[1])
            elif words[0] == "Energy_fraction_recoils":
                recoil[i] = float(words[1])
            elif words[0] == "Multiplicity":
                particle, row = PARTICLES.index(words[1]), 0
                multiplicity[i, particle] = float(words[2])
            elif words[0] == "Differential_cross_section":
                require(words[1:3] == [PARTICLES[particle], str(rows)], (path, words))
            else:
                numbers = [float(w) for w in words]
                require(len(numbers) == 2 + len(ANGLES_DEG), (path, words))
                out_energy[i, particle, row], integral[i, particle, row] = numbers[:2]
                differential[i, particle, row] = numbers[2:]
                row += 1
    return {
        "inelastic_energy_mev": energies,
        "inelastic_b": sigma,
        "recoil_energy_fraction": recoil,
        "multiplicity": multiplicity,
        "out_energy_mev": out_energy,
        "out_b_mev": integral,
        "out_b_mev_sr": differential,
    }


def prompt_gammas(path: Path) -> dict[str, np.ndarray]:
    """Return incident energies [MeV], gammas per reaction, and cross sections by gamma energy [b/MeV].

    Row ``i`` of the last holds the bins that end at 1, 2, 3, ... times ``gamma_bin_mev[i]``. Two incident
    energies (1 MeV of phosphorus, 4 MeV of calcium) hold a placeholder without spectrum; they are left out.
    """
    found = []
    for block in blocks(path):
        table = np.array([w for w in block if w[0][0].isdigit()], float)
        if len(table) > 1:
            require(np.allclose(table[:, 0], table[0, 0] * np.arange(1, len(table) + 1)), path)
            found.append((float(block[0][1]), float(block[1][2]), table))
    spectra = np.zeros((len(found), max(len(t) for *_, t in found)))
    for row, (_, _, table) in zip(spectra, found, strict=True):
        row[: len(table)] = table[:, 1]
    return {
        "gamma_incident_mev": np.array([f[0] for f in found]),
        "gamma_multiplicity": np.array([f[1] for f in found]),
        "gamma_bin_mev": np.array([f[2][0, 0] for f in found]),
        "gamma_b_mev": spectra,
    }


def main(folder: Path, out: Path) -> None:
    """Convert all elements."""
    arrays: dict[str, np.ndarray] = {"angle_deg": np.array(ANGLES_DEG, np.float32)}
    for name, z in ELEMENTS.items():
        here = folder / f"Materials_{name}"
        tables = elastic(here / "ICRU_Nuclear_elastic.dat")
        tables |= inelastic(here / "ICRU_Nuclear_inelastic.dat")
        tables |= prompt_gammas(here / "ICRU_PromptGamma.dat")
        arrays |= {f"z{z}_{key}": value.astype(np.float32) for key, value in tables.items()}
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
