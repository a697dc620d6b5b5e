"""Make ``tables/photons/photons.npz`` from Elam's, EPDL97's and NIST's tables.

Usage: ``python convert.py META_FOLDER ELEMENTS_CSV OUT.npz`` in an environment with pandas, pyarrow, scipy,
xraydb and xraylib. ``META_FOLDER`` holds ``xcom_elements.parquet`` and ``epdl97_photon_xs/<symbol>.parquet``;
``ELEMENTS_CSV`` is ``src/tumorboard/physics/tables/elements/elements.csv``.
"""

import csv
import itertools
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import xraydb
import xraylib
from scipy.interpolate import CubicSpline, PchipInterpolator

AVOGADRO_B = 0.602214076
ELECTRON_MEV = 0.51099895
LOWEST_MEV, JOIN_MEV, HIGHEST_MEV = 1e-3, 0.8, 20.0
PER_DECADE = 64
X_PER_DECADE = 32
#: Momentum transfer x = E/hc sin(theta/2) [1/angstrom].
X = np.logspace(-3, 3.25, round(6.25 * X_PER_DECADE) + 1)
EDGE_STEP = 1e-6
#: Elam's logarithms of energies have six digits: its steps lie off its edges by as much as this.
ELAM_STEP = 2e-5
#: From this atomic number on Elam's splines overshoot beside edges, by more than twice at some.
FIRST_BY_NIST = 30


def epdl(folder, symbol):
    """Return a function of process and energies [MeV] to barn per atom."""
    table = pd.read_parquet(folder / f"{symbol}.parquet")
    found = {}
    for process, part in table[table.xs_barns > 0].groupby("process"):
        found[process] = np.log(part.energy_MeV.to_numpy()), np.log(part.xs_barns.to_numpy())

    def at(process, energies):
        logs, values = found[process]
        return np.exp(np.interp(np.log(energies), logs, values, left=-np.inf))

    return at


def nodes(z, nist):
    """Return an element's energies: evenly spaced logarithms, and both sides of each edge [MeV]."""
    even = np.geomspace(LOWEST_MEV, HIGHEST_MEV, round(np.log10(HIGHEST_MEV / LOWEST_MEV) * PER_DECADE) + 1)
    own = nist[nist.Z == z].energy_MeV
    even = np.concatenate([even, own[(own <= JOIN_MEV) & ~own.duplicated(keep=False)]])
    edges = own[own.duplicated()]
    return np.unique(np.concatenate([even, *([e * (1 - EDGE_STEP), e * (1 + EDGE_STEP)] for e in edges)]))


def total_ratio(z, nist, tables, weight):
    """Return energies above the join [MeV], and NIST's Compton and pair part over EPDL97's."""
    at, own = tables
    part = nist[(nist.Z == z) & (nist.energy_MeV >= JOIN_MEV)]
    e = part.energy_MeV.to_numpy()
    total = part.mu_rho_cm2_g.to_numpy() * weight / AVOGADRO_B
    rest = total - sum(own[p] * at(p, e) for p in ("photoelectric", "coherent"))
    return e, rest / (at("incoherent", e) + at("pair_total", e))


def on_elams_side(symbol, energies, edges):
    """Return energies that stand on the same side of Elam's edges as ``energies`` of NIST's [MeV]."""
    moved = energies.copy()
    own = np.array([1e-6 * edge.energy for edge in xraydb.xray_edges(symbol).values()])
    for edge in edges:
        elams = own[np.argmin(abs(own - edge))]
        low, high = (min(edge, elams) * (1 - ELAM_STEP), max(edge, elams) * (1 + ELAM_STEP))
        near = (energies > low) & (energies < high)
        moved[near & (energies < edge)] = elams * (1 - ELAM_STEP)
        moved[near & (energies >= edge)] = elams * (1 + ELAM_STEP)
    return moved


def absorption_by_nist(z, nist, scattering, energies):
    """Return NIST's attenuation without scattering, by cubics in logarithms between edges [cm2/g]."""
    own = nist[nist.Z == z]
    e, total = own.energy_MeV.to_numpy(), own.mu_rho_cm2_g.to_numpy()
    keep = e <= JOIN_MEV
    e, rest = e[keep], total[keep] - scattering(e[keep])
    starts = [0, *(np.flatnonzero(np.diff(e) == 0) + 1), e.size]
    out = np.empty(energies.size)
    for start, stop in itertools.pairwise(starts):
        here = (energies > e[start] * (1 - 1e-9)) & (energies < e[stop - 1] * (1 + 1e-9))
        kind = CubicSpline if stop - start >= 5 else PchipInterpolator
        logs, values = np.log(e[start:stop]), np.log(rest[start:stop])
        out[here] = np.exp(kind(logs, values)(np.log(energies[here])))
    return out


def cross_sections(z, symbol, weight, nist, folder):
    """Return energies [MeV] and the five cross sections of the module's table [b per atom]."""
    e = nodes(z, nist)
    at = epdl(folder, symbol)
    low = e <= JOIN_MEV
    barn = weight / AVOGADRO_B
    kinds = {"photoelectric": "photo", "coherent": "coh", "incoherent": "incoh"}

    def elam(process, energies):
        return xraydb.mu_elam(symbol, energies * 1e6, kind=kinds[process]) * barn

    join = np.array([JOIN_MEV * 0.999])
    own = {p: float(elam(p, join)[0] / at(p, join)[0]) for p in kinds}
    ratio_e, ratio = total_ratio(z, nist, (at, own), weight)
    scale = np.interp(np.log(e), np.log(ratio_e), ratio)
    own_nist = nist[nist.Z == z].energy_MeV
    sided = on_elams_side(symbol, e, own_nist[own_nist.duplicated()])
    rows = []
    for process in ("photoelectric", "coherent", "incoherent"):
        high = at(process, e) * (own[process] if process != "incoherent" else scale)
        rows.append(np.where(low, elam(process, np.minimum(sided, join[0])), high))
    if z >= FIRST_BY_NIST:
        near = e < 2e-6 * xraydb.xray_edge(symbol, "K").energy

        def scattering(energies):
            parts = [
                xraydb.mu_elam(symbol, energies * 1e6, kind=kinds[p]) for p in ("coherent", "incoherent")
            ]
            return sum(parts)

        rows[0][near] = absorption_by_nist(z, nist, scattering, e[near]) * barn
    rows.extend(at(process, e) * scale for process in ("pair_nuclear", "pair_electron"))
    return e, np.array(rows)


def functions(z):
    """Return form factor and incoherent scattering function over Z at ``X``."""
    form = np.array([xraylib.FF_Rayl(z, x) for x in X]) / z
    scattering = np.array([xraylib.SF_Compt(z, x) for x in X]) / z
    # Cubic splines swing about 0 and 1 where form factors have all but ended.
    return np.minimum.accumulate(np.maximum(form, 0.0)), np.maximum.accumulate(np.minimum(scattering, 1.0))


def relaxation(symbol):
    """Return K edge [MeV], the K shell's share of absorption above it, yield, mean K energy [MeV]."""
    edge = xraydb.xray_edge(symbol, "K")
    lines = xraydb.xray_lines(symbol, "K")
    total = sum(line.intensity for line in lines.values())
    mean = sum(line.intensity * line.energy for line in lines.values()) / total if total else 0.0
    share = 1.0 - 1.0 / edge.jump_ratio if edge.jump_ratio > 1 else 1.0
    return edge.energy * 1e-6, share, edge.fyield if total else 0.0, mean * 1e-6


def main(meta, elements, out):
    """Convert all elements."""
    # The two sides of an edge stand in any order; attenuation rises at all of them.
    nist = pd.read_parquet(meta / "xcom_elements.parquet").sort_values(["Z", "energy_MeV", "mu_rho_cm2_g"])
    lines = [line for line in elements.read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    arrays = {"x_per_angstrom": X}
    forms, scatterings, relaxations = [], [], []
    for row in csv.DictReader(lines):
        z, symbol, weight = int(row["atomic_number"]), row["symbol"], float(row["atomic_weight_g_mol"])
        e, barn = cross_sections(z, symbol, weight, nist, meta / "epdl97_photon_xs")
        arrays[f"z{z}_energy_mev"] = e
        arrays[f"z{z}_barn"] = barn.astype(np.float32)
        own = nist[nist.Z == z]
        arrays[f"z{z}_nist_energy_mev"] = own.energy_MeV.to_numpy()
        arrays[f"z{z}_nist_mu_en_cm2_g"] = own.mu_en_rho_cm2_g.to_numpy().astype(np.float32)
        form, scattering = functions(z)
        forms.append(form)
        scatterings.append(scattering)
        relaxations.append(relaxation(symbol))
    arrays["form_factor"] = np.array(forms, np.float32)
    arrays["scattering_function"] = np.array(scatterings, np.float32)
    arrays["k_shell"] = np.array(relaxations, np.float32)
    np.savez_compressed(out, **arrays)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
