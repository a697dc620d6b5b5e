"""Make ``tables/decay/<library>.npz`` from a decay sublibrary in ENDF-6 format (MF 8, MT 457).

Usage: ``python convert.py DECAY.dat OUT.npz`` in an environment with numpy and tumorboard.

Of each line of electrons the files do not say whether it is of conversion or an Auger electron. Here it is
of conversion near the K edge of the atom and above, or where a gamma ray less a binding energy gives its
energy. Continuous spectra are kept in ``BINS`` bins with their number of particles and their mean energy.
"""

import itertools
import sys
import zipfile
from pathlib import Path

import numpy as np

from tumorboard.physics._tables import rows

BINS = 128
GAMMA, BETA_MINUS, BETA_PLUS, ALPHA, NEUTRON, FISSION, PROTON, ELECTRON, X_RAY = 0, 1, 2, 4, 5, 6, 7, 8, 9
CAPTURE, ANNIHILATION, AUGER = 3, 10, 11
ELECTRON_EV = 510998.95
#: Change of Z and A by each digit of RTYP.
MODES = {1: (1, 0), 2: (-1, 0), 3: (0, 0), 4: (-2, -4), 5: (0, -1), 6: (0, 0), 7: (-1, -1)}
#: How far a binding energy may lie from the difference of lines: share, and [eV].
NEAR, NEAR_EV = 0.0006, 10.0
NEAR_UNKNOWN = 0.004
M1 = 4
HEAVIEST_KNOWN = 92


def number(text):
    """Return a number as FORTRAN writes it, without its E."""
    text = text.replace(" ", "")
    if not text:
        return 0.0
    sign = max(text.rfind("+"), text.rfind("-"))
    if sign > 0 and text[sign - 1] not in "eEdD":
        text = text[:sign] + "e" + text[sign:]
    return float(text)


def sections(path):
    """Yield the lines of each nuclide's decay section."""
    found = []
    with path.open(encoding="ascii") as file:
        for line in file:
            if line[71:75] == "8457":
                found.append(line[:66])
            elif found:
                yield found
                found = []


class Reader:
    """Reads one record after another."""

    def __init__(self, lines):
        self.lines, self.at = lines, 0

    def head(self):
        """Return the six numbers of a line."""
        line = self.lines[self.at]
        self.at += 1
        return [number(line[11 * k : 11 * k + 11]) for k in range(6)]

    def listed(self):
        """Return the head of a LIST record and its numbers."""
        head = self.head()
        values = [v for _ in range((int(head[4]) + 5) // 6) for v in self.head()]
        return head, values[: int(head[4])]

    def table(self):
        """Return the head of a TAB1 record, and its two columns."""
        head = self.head()
        laws = [v for _ in range((2 * int(head[4]) + 5) // 6) for v in self.head()]
        values = [v for _ in range((2 * int(head[5]) + 5) // 6) for v in self.head()]
        pairs = np.array(values[: 2 * int(head[5])]).reshape(-1, 2)
        return head, pairs[:, 0], pairs[:, 1], {int(law) for law in laws[1::2]}


def binned(energy_ev, density, laws):
    """Return edges [MeV] and numbers in bins of a spectrum, its number and mean energy kept."""
    if laws == {1}:
        energy_ev = np.repeat(energy_ev, 2)[1:]
        density = np.repeat(density, 2)[:-1]
    step, height = np.diff(energy_ev), 0.5 * (density[1:] + density[:-1])
    counts = np.append(0.0, np.cumsum(step * height))
    total = counts[-1]
    last = energy_ev[min(int(np.argmax(counts >= total * (1 - 1e-7))) + 1, energy_ev.size - 1)]
    edges = np.linspace(energy_ev[0], last, BINS + 1)
    # Below each edge: whole pieces, and a part of one under a straight line.
    piece = np.clip(np.searchsorted(energy_ev, edges, side="right") - 1, 0, step.size - 1)
    into = np.clip(edges - energy_ev[piece], 0.0, step[piece])
    slope = np.divide(np.diff(density), step, out=np.zeros_like(step), where=step > 0)[piece]
    below = counts[piece] + into * (density[piece] + 0.5 * into * slope)
    number = np.maximum(np.diff(below), 0.0)
    number *= total / number.sum()
    a, b = density[:-1], density[1:]
    low, high = energy_ev[:-1], energy_ev[1:]
    mean = (step * (a * (2 * low + high) + b * (low + 2 * high)) / 6).sum()
    edges *= mean / (number @ (0.5 * (edges[1:] + edges[:-1])))
    return edges * 1e-6, number


def shells():
    """Return binding energies by atomic number, ascending from the outermost [eV]."""
    known = {}
    for row in rows("electrons/shells.csv"):
        known.setdefault(int(row["atomic_number"]), []).append(float(row["binding_ev"]))
    known = {z: np.array(sorted(bound, reverse=True)) for z, bound in known.items()}
    inner = 9
    zs = np.arange(82, HEAVIEST_KNOWN + 1)
    fits = [np.polyfit(zs, [np.sqrt(known[z][n]) for z in zs], 2) for n in range(inner)]
    for z in range(HEAVIEST_KNOWN + 1, 119):
        known[z] = np.array([np.polyval(fit, z) ** 2 for fit in fits])
    return known


def is_conversion(energy_ev, gammas_ev, bound, near):
    """Return whether a line of electrons is one of conversion."""
    # KLL, KLX and KXY lines of Auger electrons stay below the K edge by more than the binding of M1.
    if energy_ev > bound[0] - (bound[M1] if bound.size > M1 else 0.0):
        return True
    gap = gammas_ev[:, None] - energy_ev - bound
    return bool((abs(gap) < NEAR_EV + near * bound).any())


def lines_of(styp, factor, head, v):
    """Return rows of a line: kind, energy and its uncertainty [eV], yield and its, transition, mode."""
    energy, spread = head[0], head[1]
    mode, transition = str(v[0]).replace(".", "").rstrip("0") or "0", int(v[1])
    here, apart = factor * v[2], factor * v[3]
    if styp != BETA_PLUS:
        return [(styp, energy, spread, here, apart, transition, int(mode))]
    positrons, of_positrons = (factor * v[4], factor * v[5]) if len(v) > 5 else (0.0, 0.0)
    # The energy is that between the levels: a positron has two rest energies less.
    captured = max(here - positrons, 0.0)
    found = [(CAPTURE, energy, spread, captured, max(apart, of_positrons), transition, int(mode))]
    if positrons > 0 and energy > 2 * ELECTRON_EV:
        endpoint = energy - 2 * ELECTRON_EV
        found.append((BETA_PLUS, endpoint, spread, positrons, of_positrons, transition, int(mode)))
    return found if captured > 0 else found[1:]


def sorted_electrons(z, lines, bound):
    """Return lines with electrons told apart, and annihilation from X rays."""
    gammas = np.array([line[1] for line in lines if line[0] == GAMMA])
    found = []
    for kind, energy, *rest in lines:
        if kind == ELECTRON:
            first = int(str(rest[-1])[0])
            atom = z + MODES.get(first, (0, 0))[0]
            near = NEAR if atom <= HEAVIEST_KNOWN else NEAR_UNKNOWN
            kind = ELECTRON if is_conversion(energy, gammas, bound[atom], near) else AUGER
        elif kind in (GAMMA, X_RAY) and abs(energy - ELECTRON_EV) < 5 and rest[1] > 0:
            kind = ANNIHILATION if kind == X_RAY else kind
        found.append((kind, energy, *rest))
    return sorted(found, key=lambda line: (line[0], line[1]))


def nuclide(section, bound):
    """Return what the table holds of a nuclide."""
    read = Reader(section)
    head = read.head()
    z, a, isomer = int(head[0]) // 1000, int(head[0]) % 1000, int(head[3])
    stable, spectra = bool(int(head[4])), int(head[5])
    times, means = read.listed()
    _, modes = read.listed()
    found = {"name": (z, a, isomer), "half_life": (times[0], times[1])}
    if stable or times[0] == 0:  # A decay that is allowed but was never seen has a half-life of 0.
        found |= {"half_life": (np.inf, 0.0), "means": [0.0] * 6, "modes": [], "lines": [], "groups": []}
        return found | {"spectra": []}
    found["means"] = means[:6]
    found["modes"] = [
        (int(str(v[0]).replace(".", "").rstrip("0") or "0"), int(v[1]), *v[2:])
        for v in np.array(modes).reshape(-1, 6).tolist()
    ]
    lines, found["groups"], found["spectra"] = [], [], []
    for _ in range(spectra):
        head, (fd, _, mean, of_mean, fc, _) = read.listed()
        styp, has_spectrum = int(head[1]), int(head[2])
        found["groups"].append((styp, mean, of_mean))
        if has_spectrum != 1:
            for _ in range(int(head[5])):
                lines += lines_of(styp, fd, *read.listed())
        if has_spectrum:
            _, energy, density, laws = read.table()
            edges, counts = binned(energy, density, laws)
            found["spectra"].append((styp, edges, (fc or 1.0) * counts))
            if int(head[3]):
                read.listed()
    found["lines"] = sorted_electrons(z, lines, bound)
    return found


def rounded(values, bits):
    """Return single precision with so many bits of the mantissa, which packs better."""
    whole = np.ascontiguousarray(values, np.float32).view(np.uint32)
    drop = 23 - bits
    return ((whole + (1 << (drop - 1))) & np.uint32(~((1 << drop) - 1) & 0xFFFFFFFF)).view(np.float32)


def starts(lists):
    """Return where each of several lists begins when they stand one after the other, and the end."""
    return np.append(0, np.cumsum([len(one) for one in lists])).astype(np.int32)


def table(nuclides):
    """Return the arrays of a library."""
    flat = {key: list(itertools.chain(*(n[key] for n in nuclides))) for key in ("modes", "lines", "groups")}
    lines, modes = np.array(flat["lines"]), np.array(flat["modes"])
    spectra = list(itertools.chain(*(n["spectra"] for n in nuclides)))
    return {
        "nuclide": np.array([n["name"] for n in nuclides], np.int16),
        "half_life_s": np.array([n["half_life"] for n in nuclides]),
        "mean_mev": 1e-6 * np.array([n["means"] for n in nuclides]),
        "mode_start": starts([n["modes"] for n in nuclides]),
        "mode": modes[:, :2].astype(np.int16),
        "mode_q_mev": 1e-6 * modes[:, 2:4],
        "mode_share": modes[:, 4:6],
        "line_start": starts([n["lines"] for n in nuclides]),
        "line_kind": lines[:, 0].astype(np.uint8),
        "line_mev": np.float32(1e-6 * lines[:, 1]),
        "line_mev_uncertainty": rounded(1e-6 * lines[:, 2], 10),
        "line_yield": np.float32(lines[:, 3]),
        "line_yield_uncertainty": rounded(lines[:, 4], 10),
        "line_transition": lines[:, 5].astype(np.uint8),
        "line_mode": lines[:, 6].astype(np.int16),
        "group_start": starts([n["groups"] for n in nuclides]),
        "group_kind": np.array([g[0] for g in flat["groups"]], np.uint8),
        "group_mev": np.float32(1e-6 * np.array([g[1:] for g in flat["groups"]])),
        "spectrum_start": starts([n["spectra"] for n in nuclides]),
        "spectrum_kind": np.array([s[0] for s in spectra], np.uint8),
        "spectrum_ends_mev": np.array([s[1][[0, -1]] for s in spectra]).reshape(-1, 2),
        "spectrum_yield": rounded([s[2] for s in spectra], 14).reshape(-1, BINS),
    }


def main(source, target):
    """Write the table."""
    bound = shells()
    found = [nuclide(section, bound) for section in sections(Path(source))]
    found = [n for n in found if n["name"][0] > 0]
    found.sort(key=lambda n: n["name"])
    with zipfile.ZipFile(target, "w") as packed:
        for name, values in table(found).items():
            member = zipfile.ZipInfo(f"{name}.npy", (1980, 1, 1, 0, 0, 0))
            member.compress_type = zipfile.ZIP_LZMA
            with packed.open(member, "w") as file:
                np.lib.format.write_array(file, np.ascontiguousarray(values), allow_pickle=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
