"""What part of a tumour's cells carries a variant, from its reads, purity and copies."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from scipy.stats import beta

from tumorboard.core.acquisition import Sex
from tumorboard.core.chromosome import plain_chromosome
from tumorboard.core.copy_number import CopyNumberProfile
from tumorboard.core.variant import SmallVariant
from tumorboard.errors import InputError

__all__ = [
    "Assumption",
    "CellFraction",
    "Clonality",
    "cancer_cell_fraction",
    "cancer_cell_fractions",
    "normal_copies",
]

_LEVEL: Final = 0.95


class Assumption(Enum):
    """What may be taken for granted where it is not known; nothing is unless it is asked for."""

    PURE_TUMOUR = "all cells of the sample are the tumour's"
    NORMAL_COPIES = "the tumour has as many copies as normal cells where no segment says"


class Clonality(Enum):
    """Whether all of the tumour's cells carry a variant."""

    CLONAL = "the interval of its fraction reaches 1"
    SUBCLONAL = "the interval of its fraction stays below 1"
    UNKNOWN = "reads, purity or copies are not known"


@dataclass(frozen=True, slots=True)
class CellFraction:
    """What part of a tumour's cells carries a variant.

    Parameters
    ----------
    estimate
        0 to 1; ``None`` where it cannot be told.
    low, high
        Of the 95 % interval by the chance of reads; purity and copies are taken as exact. ``None`` without
        depth.
    mutant_copies
        Copies with the variant in an average tumour cell, not cut at any number.
    multiplicity
        Copies with the variant in a cell that has it.
    clonality
        The call.
    note
        What was taken for granted, what contradicts, or why there is no estimate; may be empty.
    """

    estimate: float | None
    low: float | None
    high: float | None
    mutant_copies: float | None
    multiplicity: int | None
    clonality: Clonality
    note: str = ""


def normal_copies(chromosome: str, sex: Sex | None) -> int:
    """Return how many copies of a chromosome normal cells have.

    The ends that X and Y share are counted as the rest of them.

    Parameters
    ----------
    chromosome
        With or without ``chr``.
    sex
        ``None`` if not known.

    Raises
    ------
    InputError
        When it is X or Y and the sex is not known, Y of a woman, or the mitochondria's, which have no
        number of copies.

    Examples
    --------
    >>> normal_copies("chr7", None), normal_copies("X", Sex.MALE)
    (2, 1)
    """
    name = plain_chromosome(chromosome).upper()
    if name == "MT":
        raise InputError(
            f"chromosome of a variant with copies must not be the mitochondria's; got {chromosome}; "
            "a cell has hundreds of them"
        )
    if name not in ("X", "Y", "23", "24"):
        return 2
    if sex not in (Sex.FEMALE, Sex.MALE):
        raise InputError(
            f"sex must be given, female or male, for a variant on {chromosome}; got {sex}; "
            "normal cells have one or two copies"
        )
    if sex is Sex.FEMALE and name in ("Y", "24"):
        raise InputError(f"chromosome of a woman's variant must not be Y; got {chromosome}; check the sex")
    return 2 if sex is Sex.FEMALE else 1


def cancer_cell_fraction(
    vaf: float,
    depth: int | None,
    *,
    purity: float,
    total_copies: float,
    normal_copies: int,
    minor_copies: float | None = None,
) -> CellFraction:
    """Return what part of the tumour's cells carries a variant.

    Of ``purity N + (1 - purity) n`` copies a cell, with ``N`` in the tumour's and ``n`` in normal cells, the
    fraction ``vaf`` has the variant, all in tumour cells [carter2012absolute]. So an average tumour cell has
    ``u = vaf (purity N + (1 - purity) n) / purity`` mutant copies. The multiplicity is the whole number, from
    1 to the copies that one chromosome can give, that a variant in all cells would most likely have; the
    fraction is ``u`` over it. A variant that fewer cells carry in more copies each is told as if more cells
    had it in fewer: reads alone cannot tell.

    Parameters
    ----------
    vaf
        Fraction of reads with the variant, 0 to 1.
    depth
        Reads over the site; ``None`` leaves the interval out.
    purity
        Fraction of the sample's cells that are the tumour's, above 0 to 1.
    total_copies
        In a tumour cell, above 0.
    normal_copies
        In a normal cell, see :func:`normal_copies`.
    minor_copies
        Of the rarer parental chromosome; without it the multiplicity may be up to the total.

    Returns
    -------
    CellFraction
        Clonal when the exact binomial interval [clopper1934fiducial] reaches 1, the rule of
        [mcgranahan2016clonal]. With few reads it nearly always does: look at its width.

    Raises
    ------
    InputError
        When a number is out of its range.

    Examples
    --------
    A published example [landau2014clonal]: VAF 0.125, three copies, purity 67 %.

    >>> found = cancer_cell_fraction(0.125, 400, purity=0.67, total_copies=3, normal_copies=2)
    >>> round(found.estimate, 2), found.clonality.name
    (0.5, 'SUBCLONAL')
    """
    _require(vaf, depth, purity, total_copies, normal_copies)
    cells = purity * total_copies + (1 - purity) * normal_copies
    per_vaf = cells / purity
    mutant = vaf * per_vaf
    most = total_copies if minor_copies is None else max(total_copies - minor_copies, minor_copies)
    multiplicity = min(max(1, round(mutant)), max(1, round(most)))
    note = ""
    low = high = None
    clonality = Clonality.UNKNOWN
    if depth:
        alternatives = round(vaf * depth)
        bounds = _interval(alternatives, depth)
        low, high = (min(1.0, bound * per_vaf / multiplicity) for bound in bounds)
        clonality = Clonality.CLONAL if high >= 1 else Clonality.SUBCLONAL
        if bounds[0] * per_vaf > max(1, round(most)):
            note = "more reads carry it than purity and copies allow: one of them is wrong, or it is germline"
    return CellFraction(min(1.0, mutant / multiplicity), low, high, mutant, multiplicity, clonality, note)


def _interval(successes: int, trials: int) -> tuple[float, float]:
    """Return the exact binomial interval of a fraction."""
    tail = (1 - _LEVEL) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, trials - successes + 1))
    high = 1.0 if successes == trials else float(beta.ppf(1 - tail, successes + 1, trials - successes))
    return low, high


def _require(vaf: float, depth: int | None, purity: float, total: float, normal: int) -> None:
    if not 0 <= vaf <= 1:
        raise InputError(f"vaf must be a fraction from 0 to 1; got {vaf!r}; divide percent by 100")
    if depth is not None and depth < 0:
        raise InputError(f"depth must be a number of reads, 0 or more; got {depth!r}")
    if not 0 < purity <= 1:
        raise InputError(f"purity must be a fraction above 0, to 1; got {purity!r}; divide percent by 100")
    if not 0 < total < float("inf"):
        raise InputError(
            f"total_copies of a variant's segment must be above 0; got {total!r}; "
            "where the tumour has no copy it has no variant: check segments and calls"
        )
    if normal not in (1, 2):
        raise InputError(f"normal_copies must be 1 or 2; got {normal!r}")


def cancer_cell_fractions(
    variants: Iterable[SmallVariant],
    *,
    purity: float | None,
    copies: CopyNumberProfile | None,
    sex: Sex | None,
    assume: Collection[Assumption] = (),
) -> tuple[CellFraction, ...]:
    """Return what part of the tumour's cells carries each variant.

    Parameters
    ----------
    variants
        With the tumour's reads in their evidence.
    purity
        Fraction of the sample's cells that are the tumour's; ``None`` if not known.
    copies
        The tumour's segments; ``None`` if not known.
    sex
        Of the patient; ``None`` if not known.
    assume
        What may be taken for granted where it is not known. A result that rests on it says so.

    Returns
    -------
    tuple of CellFraction
        One for each variant; without an estimate, and with a note, where reads, copies or sex are missing.

    Raises
    ------
    InputError
        When purity or copies are not known and nothing is to be assumed.

    Examples
    --------
    >>> from tumorboard.core.variant import VariantEvidence
    >>> seen = VariantEvidence(tumour_depth=200, tumour_vaf=0.2)
    >>> variant = SmallVariant("1", 100, "A", "T", evidence=seen)
    >>> found, = cancer_cell_fractions(
    ...     [variant], purity=0.4, copies=None, sex=None, assume=[Assumption.NORMAL_COPIES]
    ... )
    >>> found.estimate, found.note
    (1.0, 'normal copies assumed')
    """
    notes = []
    if purity is None:
        if Assumption.PURE_TUMOUR not in assume:
            raise InputError(
                "purity must be given for the fraction of cancer cells; got none; take it from the program "
                "that found the copy numbers, or say assume=[Assumption.PURE_TUMOUR]"
            )
        purity = 1.0
        notes.append("pure tumour assumed")
    if copies is None and Assumption.NORMAL_COPIES not in assume:
        raise InputError(
            "copies must be given for the fraction of cancer cells; got none; give segments of copy number, "
            "or say assume=[Assumption.NORMAL_COPIES]"
        )
    normal = Assumption.NORMAL_COPIES in assume
    return tuple(_fraction(v, purity, copies, sex, notes, assume_normal=normal) for v in variants)


def _fraction(
    variant: SmallVariant,
    purity: float,
    copies: CopyNumberProfile | None,
    sex: Sex | None,
    notes: list[str],
    *,
    assume_normal: bool,
) -> CellFraction:
    seen = variant.evidence
    if seen.tumour_vaf is None:
        return _unknown("no reads of the tumour are stated")
    try:
        normal = normal_copies(variant.chromosome, sex)
    except InputError as reason:
        return _unknown(str(reason))
    segment = None if copies is None else copies.at(variant.chromosome, variant.position)
    if segment is None and not assume_normal:
        return _unknown("no segment of copy number holds it")
    if segment is not None and round(segment.total) == 0:
        return _unknown("its segment has no copy in the tumour: segments and calls contradict each other")
    if segment is None:
        notes = [*notes, "normal copies assumed"]
    found = cancer_cell_fraction(
        seen.tumour_vaf,
        seen.tumour_depth,
        purity=purity,
        total_copies=normal if segment is None else segment.total,
        normal_copies=normal,
        minor_copies=None if segment is None else segment.minor,
    )
    note = "; ".join([*notes, *([found.note] if found.note else [])])
    return CellFraction(
        found.estimate, found.low, found.high, found.mutant_copies, found.multiplicity, found.clonality, note
    )


def _unknown(note: str) -> CellFraction:
    return CellFraction(None, None, None, None, None, Clonality.UNKNOWN, note)
