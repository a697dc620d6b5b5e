"""Make ``ddep.csv``: energies per decay of DDEP's evaluations, from PENNUC's files.

Usage: ``python ddep.py FOLDER OUT.csv``; the folder holds a file for each nuclide. Each line of a file is a
probability per decay, its uncertainty, a level, an energy [keV] and its uncertainty.
"""

import csv
import sys
from pathlib import Path

NAMES = (
    "F-18 Ga-68 Cu-64 Zr-89 Tc-99m In-111 Lu-177 I-131 Y-90 Sm-153 Ho-166 Re-188 Ra-223 Ac-225 Pb-212 Bi-213 "
    "Fr-221 At-217 Po-213 Tl-209 Pb-209 Rn-219 Po-215 Pb-211 Bi-211 Tl-207 Bi-212 Po-212 Tl-208"
).split()
COLUMNS = {
    "BEM": "beta_minus_endpoint_mev",
    "BEP": "beta_plus_endpoint_mev",
    "ALP": "alpha_mev",
    "GA": "gamma_mev",
}


def sums(path):
    """Return the sums of probability times energy [MeV], and the year of the evaluation."""
    found = dict.fromkeys([*COLUMNS.values(), "conversion_mev"], 0.0)
    year = ""
    for line in path.read_text(encoding="ascii", errors="replace").splitlines():
        key, rest = line[:4].strip(), line[4:].split(";")
        if key == "COM" and "Evaluation Date" in line:
            year = line.replace("*", "").split("/")[-1].strip()
        if key not in COLUMNS and not key.startswith("E"):
            continue
        place = 3 if key in ("BEM", "BEP", "ALP") else 2
        energy = 1e-3 * float(rest[0].strip() or 0) * float(rest[place])
        found[COLUMNS.get(key, "conversion_mev")] += energy
    return {"evaluated": year} | {name: f"{value:.6g}" for name, value in found.items()}


def main(folder, target):
    """Write the table."""
    rows = [{"nuclide": name} | sums(Path(folder) / name) for name in NAMES]
    with Path(target).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


if __name__ == "__main__":
    main(*sys.argv[1:])
