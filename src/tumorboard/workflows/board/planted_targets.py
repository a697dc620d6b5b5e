"""Epitopes that are planted in a synthetic tumour, beside what the search for targets made of them."""

from __future__ import annotations

from typing import Any, Final

from tumorboard.plotting.blocks import Note, Table

__all__ = ["planted_targets", "target_table"]

#: Residues that the found peptide and the planted one share at least to count as one.
_SHARED: Final = 8
_WHY: Final = (
    "Each planted peptide is one that T cells are known to see. As planted: the tier is what it must be, and "
    "the target's peptide, or the best of the other class, is on the planted molecule and shares eight "
    "residues in a row with the planted one. On a lost allele it must not be."
)


def planted_targets(truth: dict[str, Any], found: dict[str, Any] | None) -> list[dict[str, Any]]:
    """Return each planted epitope with the rank, peptide, molecule and tier of its variant's target.

    Parameters
    ----------
    truth
        Of a synthetic patient.
    found
        The section on immunotherapy as JSON holds it; ``None`` where there is none.
    """
    if found is None or "immunotherapy" not in truth:
        return []
    targets = {target["variant"]: target for target in found["targets"]}
    excluded = found["hla"]["excluded"] if "hla" in found else {}
    return [
        _beside(planted, targets.get(planted["variant"]), excluded)
        for planted in truth["immunotherapy"]["targets"]
    ]


def target_table(rows: list[dict[str, Any]]) -> tuple[Table | Note, ...]:
    """Return planted targets as a table with a note; nothing where there are none.

    Parameters
    ----------
    rows
        Of :func:`planted_targets`.
    """
    if not rows:
        return ()
    columns = ("Gene", "Planted", "Found", "Rank", "Tier", "As planted", "Teaches")
    cells = tuple(
        (
            row["gene"],
            _pair(row["peptide"], row["allele"]),
            None if row["found_peptide"] is None else _pair(row["found_peptide"], row["found_allele"]),
            row["rank"],
            row["found_tier"],
            "yes" if row["as_planted"] else f"no: {' or '.join(row['tiers'])}".rstrip(": "),
            row["teaches"],
        )
        for row in rows
    )
    return Table("Planted targets", columns, cells), Note(_WHY)


def _pair(peptide: str, allele: str) -> str:
    return f"{peptide} {allele.removeprefix('HLA-')}"


def _beside(
    planted: dict[str, Any], target: dict[str, Any] | None, excluded: dict[str, str]
) -> dict[str, Any]:
    row = {
        **{name: planted[name] for name in ("gene", "variant", "peptide", "allele", "teaches")},
        "tiers": list(planted["tiers"]),
        "rank": None,
        "found_peptide": None,
        "found_allele": None,
        "found_tier": None,
        "as_planted": False,
    }
    if target is None:
        return row
    other = target["other_class"] or {}
    shown = target
    if _is_it(planted, other) and not _is_it(planted, target):
        shown = other
    lost = planted["allele"] in excluded
    fits = target["allele"] != planted["allele"] if lost else _is_it(planted, shown)
    return {
        **row,
        "rank": target["rank"],
        "found_peptide": shown["peptide"],
        "found_allele": shown["allele"],
        "found_tier": target["tier"],
        "as_planted": fits and (not planted["tiers"] or target["tier"] in planted["tiers"]),
    }


def _is_it(planted: dict[str, Any], found: dict[str, Any]) -> bool:
    return (
        found.get("allele") == planted["allele"] and _shared(found["peptide"], planted["peptide"]) >= _SHARED
    )


def _shared(one: str, other: str) -> int:
    """Return the length of the longest stretch that two peptides share."""
    return max(
        (length for length in range(1, len(one) + 1) for k in range(len(one) - length + 1)
         if one[k : k + length] in other),
        default=0,
    )  # fmt: skip
