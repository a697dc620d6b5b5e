"""Class II chains as sets of marks that molecules share: name, group, locus and contact residues.

Sequences of exon 2 come from TCRdock's tables (MIT; `tcrdock/db/both_class_2_A_chains_v2.fasta` and
`both_class_2_B_chains_v2.fasta`), or from any FASTA file of the same extent: DR and DQ beta chains from
residue 7 on, DP beta chains likewise (two residues shorter), alpha chains from residue 5 to 78. They are
needed to train and never leave this folder: the wheel carries each chain's own vector, no sequence of
IPD-IMGT/HLA (CC BY-ND).
"""

from __future__ import annotations

from pathlib import Path

# Pockets 1, 4, 6, 7 and 9 in the numbering of DR [stern1994crystal], and positions beside them that vary.
BETA = (9, 11, 13, 26, 28, 30, 37, 38, 47, 57, 60, 61, 67, 70, 71, 74, 77, 78, 81, 82, 85, 86, 89, 90)
ALPHA = (9, 11, 22, 24, 31, 32, 43, 52, 53, 54, 55, 58, 59, 61, 62, 65, 66, 68, 69, 72, 73, 76)
_BETA_FIRST, _ALPHA_FIRST, _ALPHA_LAST = 7, 5, 78
_BETA_LENGTH, _DP_GAP = 85, 16
_ALPHA_TURN = 50  # DQ alpha chains differ in length about residue 53: count from the nearer end

WEIGHTS = {"own": 0.5, "chain": 0.7, "group": 0.5, "locus": 1.0, "contact": 0.3}


def read_chains(path: Path) -> dict[str, str]:
    """Exon 2 of every chain, by its two-field name ("DRB1*04:05"); the first of equal names."""
    chains: dict[str, str] = {}
    for record in path.read_text().split(">")[1:]:
        name, _, sequence = record.partition("\n")
        short = ":".join(name.split()[0].split(":")[:2])
        chains.setdefault(short, sequence.replace("\n", ""))
    return chains


def contacts(name: str, sequence: str) -> list[str]:
    """One mark for each contact residue ("DRb86G")."""
    molecule = name[:2]
    if name[2] == "B":
        if len(sequence) < _BETA_LENGTH:
            sequence = sequence[:_DP_GAP] + "--" + sequence[_DP_GAP:]
        return [f"{molecule}b{place}{sequence[place - _BETA_FIRST]}" for place in BETA]
    shift = {place: _ALPHA_FIRST if place <= _ALPHA_TURN else _ALPHA_LAST + 1 for place in ALPHA}
    return [f"{molecule}a{place}{sequence[place - shift[place]]}" for place in ALPHA]


def chain_marks(name: str, chains: dict[str, str]) -> dict[str, float]:
    """Marks of one chain and their weights."""
    marks = {
        name: WEIGHTS["chain"],
        name.partition(":")[0]: WEIGHTS["group"],
        name.partition("*")[0]: WEIGHTS["locus"],
    }
    if name in chains:
        marks |= {mark: WEIGHTS["contact"] for mark in contacts(name, chains[name])}
    return marks


def own_mark(molecule: str) -> str:
    """The mark that a molecule shares with no other."""
    return f"={molecule}"


def molecule_marks(molecule: str, chains: dict[str, str]) -> dict[str, float]:
    """Marks of a molecule: its own and its chains'."""
    marks = {own_mark(molecule): WEIGHTS["own"]}
    for chain in molecule.split("-"):
        marks |= chain_marks(chain, chains)
    return marks
