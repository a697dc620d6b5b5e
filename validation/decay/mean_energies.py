"""Make ``mean_energies.csv``: mean energies per decay by both libraries, beside DDEP's where it has them.

Usage: ``python mean_energies.py OUT.csv`` with the package installed. Betas are of the package's own spectra.
"""

import csv
import sys
from pathlib import Path

from tumorboard.physics.decay import DecayLibrary, EmissionKind, decay_data

NAMES = (
    "F-18 Ga-68 Cu-64 Zr-89 I-124 Tc-99m In-111 Lu-177 I-131 Y-90 Tb-161 Sm-153 Ho-166 Re-188 Ra-223 Ac-225 "
    "Pb-212 Bi-213 Th-227 Rn-219 Po-215 Pb-211 Bi-211 Tl-207 Fr-221 At-217 Po-213 Tl-209 Pb-209 Bi-212 "
    "Po-212 Tl-208"
).split()
KINDS = {
    "beta": (EmissionKind.BETA_MINUS, EmissionKind.BETA_PLUS),
    "conversion": (EmissionKind.CONVERSION_ELECTRON,),
    "auger": (EmissionKind.AUGER_ELECTRON,),
    "gamma": (EmissionKind.GAMMA,),
    "x_ray": (EmissionKind.X_RAY,),
    "alpha": (EmissionKind.ALPHA,),
}


def rows():
    """Return one row per nuclide: half-lives [s] and mean energies [keV]."""
    with (Path(__file__).parent / "ddep.csv").open(encoding="utf-8") as file:
        ddep = {row["nuclide"]: row for row in csv.DictReader(file)}
    for name in NAMES:
        endf, jeff = (
            decay_data(name, library=one) for one in (DecayLibrary.ENDF_B_VIII_1, DecayLibrary.JEFF_4_0)
        )
        row = {"nuclide": name, "endf_half_life_s": f"{endf.half_life_s:.6g}"}
        row["jeff_half_life_s"] = f"{jeff.half_life_s:.6g}"
        for kind, members in KINDS.items():
            for library, data in (("endf", endf), ("jeff", jeff)):
                row[f"{library}_{kind}_kev"] = f"{1e3 * sum(map(data.energy_mev, members)):.5g}"
            if kind in ("conversion", "gamma", "alpha"):
                own = ddep.get(name)
                row[f"ddep_{kind}_kev"] = f"{1e3 * float(own[f'{kind}_mev']):.5g}" if own else ""
        for library, data in (("endf", endf), ("jeff", jeff)):
            row[f"{library}_all_electrons_stated_kev"] = f"{1e3 * data.stated_light_mev:.5g}"
        yield row


def main(target):
    """Write the table."""
    table = list(rows())
    with Path(target).open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, table[0], lineterminator="\n")
        writer.writeheader()
        writer.writerows(table)


if __name__ == "__main__":
    main(*sys.argv[1:])
