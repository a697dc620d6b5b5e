"""HLA: what presents peptides, by any of the names that people and files give it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from typing import Final

from tumorboard.errors import InputError

__all__ = ["HlaAllele", "HlaMolecule", "HlaType", "MhcClass"]

_CLASS_ONE: Final = ("A", "B", "C", "E", "F", "G")
_ALPHA_OF: Final = {"DQB1": "DQA1", "DPB1": "DPA1"}
_ALPHA: Final = ("DRA", "DQA1", "DPA1")
_CLASS_TWO: Final = ("DRA", "DRB1", "DRB3", "DRB4", "DRB5", "DQA1", "DQB1", "DPA1", "DPB1")
#: Loci whose groups have three digits as well: without a colon 5 digits are 3 + 2 there, else 2 + 3.
_LONG_GROUPS: Final = ("DPB1",)

_NAME = re.compile(r"(?:HLA[-_ ]?)?(DRA(?:1(?=\*))?|DRB[13-5]|D[QP][AB]1|CW|[ABCEFG])(.*)", re.IGNORECASE)
_FIELDS = re.compile(
    r"([0-9]{2,4})[:_\- ]([0-9]{2,4})((?:[:_\- ][0-9]{2,4}){0,2})([NLSCAQGP]?)", re.IGNORECASE
)
_DIGITS = re.compile(r"([0-9]{4,8})([NLSCAQGP]?)", re.IGNORECASE)


class MhcClass(Enum):
    """Whether a molecule presents to CD8 (I) or to CD4 (II) T cells."""

    I = "I"  # noqa: E741 - the class's name
    II = "II"


@dataclass(frozen=True, slots=True, order=True)
class HlaAllele:
    """One chain's allele, to the protein (two fields).

    Parameters
    ----------
    locus
        ``"A"``, ``"B"``, ``"C"``, ``"E"``, ``"F"``, ``"G"``, ``"DRA"``, ``"DRB1"``, ``"DRB3"`` to
        ``"DRB5"``, ``"DQA1"``, ``"DQB1"``, ``"DPA1"`` or ``"DPB1"``.
    group, protein
        The two fields, digits, e.g. ``"02"`` and ``"01"``.
    suffix
        How it is expressed if not normally: ``"N"`` null, ``"L"`` low, ``"S"`` secreted, ``"C"`` in the
        cytoplasm, ``"A"`` aberrant, ``"Q"`` questionable [marsh2010nomenclature]; else empty.

    Raises
    ------
    InputError
        When a part is none of these.

    Examples
    --------
    >>> [str(HlaAllele.named(name)) for name in ("A0201", "hla_a_02_01", "HLA-A*02:01:01:02", "Cw*0702")]
    ['HLA-A*02:01', 'HLA-A*02:01', 'HLA-A*02:01', 'HLA-C*07:02']
    >>> HlaAllele.named("A*24:09N").is_null
    True
    """

    locus: str
    group: str
    protein: str
    suffix: str = ""

    def __post_init__(self) -> None:
        if self.locus not in _CLASS_ONE + _CLASS_TWO:
            loci = ", ".join(_CLASS_ONE + _CLASS_TWO)
            raise InputError(f"locus of an HLA allele must be one of {loci}; got {self.locus!r}")
        if not all(re.fullmatch(r"[0-9]{2,4}", part) for part in (self.group, self.protein)):
            raise InputError(
                f"fields of an HLA allele must be two to four digits each; "
                f"got {self.group!r}, {self.protein!r}"
            )
        if int(self.group) == 0 or int(self.protein) == 0:
            raise InputError(
                f"fields of an HLA allele are counted from 01; got {self.locus}*{self.group}:{self.protein}; "
                "put colons between the fields"
            )
        if self.suffix not in ("", "N", "L", "S", "C", "A", "Q"):
            raise InputError(f"suffix of an HLA allele must be empty or one of NLSCAQ; got {self.suffix!r}")

    def __str__(self) -> str:
        return f"HLA-{self.short}"

    @property
    def short(self) -> str:
        """The name without ``HLA-``."""
        return f"{self.locus}*{self.group}:{self.protein}{self.suffix}"

    @property
    def mhc_class(self) -> MhcClass:
        """Class of the molecule that the chain is part of."""
        return MhcClass.I if self.locus in _CLASS_ONE else MhcClass.II

    @property
    def is_null(self) -> bool:
        """Whether the allele makes no protein on the cell: null, secreted or in the cytoplasm."""
        return self.suffix in ("N", "S", "C")

    @classmethod
    def named(cls, name: str) -> HlaAllele:
        """Return the allele of a name in any usual spelling.

        Parameters
        ----------
        name
            With or without ``HLA-``, ``*``, ``:``; further fields and the G or P of a group are dropped.

        Raises
        ------
        InputError
            When it names no allele, a serotype (``A2``), or a group only (``A*02``).
        """
        text = name.strip()
        match = _NAME.fullmatch(text)
        if match is None:
            raise InputError(
                f"HLA allele must be named like HLA-A*02:01 or DRB1*04:05; got {name[:60]!r}; "
                f"known loci are {', '.join(_CLASS_ONE + _CLASS_TWO)}"
            )
        locus = match[1].upper().replace("CW", "C").replace("DRA1", "DRA")
        rest = match[2].lstrip("*_- :").strip()
        fields = _fields(locus, rest)
        if fields is None:
            raise InputError(
                f"HLA allele must be typed to the protein, two fields, like HLA-{locus}*02:01; "
                f"got {name[:60]!r}; a serotype or an allele group names many proteins: "
                "type it higher, or name one"
            )
        group, protein, suffix = fields
        return cls(locus, group, protein, "" if suffix in "GP" else suffix)


def _fields(locus: str, rest: str) -> tuple[str, str, str] | None:
    """Return the two fields and the suffix of what follows the locus, or none."""
    split = _FIELDS.fullmatch(rest)
    if split is not None:
        return split[1], split[2], split[4].upper()
    together = _DIGITS.fullmatch(rest)
    if together is None:
        return None
    digits = together[1]
    group = 3 if locus in _LONG_GROUPS and len(digits) == 5 else 2
    if locus in _LONG_GROUPS and len(digits) == 6 and digits[2:4] == "00":
        return digits[:4], digits[4:], together[2].upper()  # DPB1*1000:01; no field is 00
    # 0201 and 02101 are two fields; 020101 and 02010102 are the names of before 2010: pairs of digits.
    protein = 2 if len(digits) in (6, 8) else len(digits) - group
    return digits[:group], digits[group : group + protein], together[2].upper()


@dataclass(frozen=True, slots=True, order=True)
class HlaMolecule:
    """What presents a peptide: a class I heavy chain, a DR beta chain, or a DQ or DP pair.

    Parameters
    ----------
    beta
        The class I heavy chain, or class II's beta chain.
    alpha
        The alpha chain of DQ and DP. ``None`` for class I, whose light chain is the same in all, and for
        DR, whose alpha chain nearly is.

    Raises
    ------
    InputError
        When the chains make no molecule.

    Examples
    --------
    >>> str(HlaMolecule.named("HLA-DPA10103-DPB10401")), str(HlaMolecule.named("DRA*01:01/DRB1_0405"))
    ('HLA-DPA1*01:03/DPB1*04:01', 'HLA-DRB1*04:05')
    """

    beta: HlaAllele
    alpha: HlaAllele | None = None

    def __post_init__(self) -> None:
        wanted = _ALPHA_OF.get(self.beta.locus)
        got = None if self.alpha is None else self.alpha.locus
        if self.beta.locus in _ALPHA:
            raise InputError(
                f"HLA molecule must have a beta chain; got the alpha chain {self.beta} alone; name the pair, "
                "like HLA-DQA1*05:01/DQB1*02:01"
            )
        if wanted != got:
            need = f"with its {wanted} chain" if wanted else "without an alpha chain"
            raise InputError(
                f"HLA molecule of {self.beta} must be named {need}; got {self.alpha}; name DQ and DP as "
                "pairs, like HLA-DQA1*05:01/DQB1*02:01"
            )

    def __str__(self) -> str:
        return str(self.beta) if self.alpha is None else f"{self.alpha}/{self.beta.short}"

    @property
    def mhc_class(self) -> MhcClass:
        """Class I or II."""
        return self.beta.mhc_class

    @classmethod
    def named(cls, name: str) -> HlaMolecule:
        """Return the molecule of a name in any usual spelling.

        Parameters
        ----------
        name
            One chain, or an alpha and a beta chain in any order, joined by ``/``, ``-``, ``+``, ``~`` or
            ``_``.

        Raises
        ------
        InputError
            When it names none, or a chain of DQ or DP alone.
        """
        text = re.sub(r"^\s*HLA[-_ ]?", "", name.strip(), flags=re.IGNORECASE)
        parts = re.split(r"[/+~\-_ ]+(?:HLA[-_ ]?)?(?=D[RQP][AB])", text, maxsplit=1, flags=re.IGNORECASE)
        if len(parts) == 1:
            return cls(HlaAllele.named(text))
        chains = [HlaAllele.named(part) for part in parts]
        alpha, beta = sorted(chains, key=lambda chain: chain.locus not in _ALPHA)
        if alpha.locus == "DRA" and beta.locus.startswith("DRB"):
            return cls(beta)  # the few DRA proteins do not differ where the peptide lies
        return cls(beta, alpha)


@dataclass(frozen=True, slots=True)
class HlaType:
    """A patient's HLA type, and what the tumour has lost of it.

    Parameters
    ----------
    alleles
        As typed, homozygous loci once or twice.
    lost
        Alleles that the tumour no longer has (loss of heterozygosity); each one of ``alleles``.

    Raises
    ------
    InputError
        When no allele is given, a locus has more than two, or ``lost`` has others.

    Examples
    --------
    >>> typed = HlaType.named(["A*29:02", "A*24:09N", "B*45:01", "DRB1*04:05"], lost=["B*45:01"])
    >>> [str(molecule) for molecule in typed.molecules()]
    ['HLA-A*29:02', 'HLA-DRB1*04:05']
    >>> typed.excluded()
    {'HLA-A*24:09N': 'null allele: no protein on the cell', 'HLA-B*45:01': 'lost by the tumour'}
    """

    alleles: tuple[HlaAllele, ...]
    lost: tuple[HlaAllele, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "alleles", tuple(dict.fromkeys(self.alleles)))
        object.__setattr__(self, "lost", tuple(dict.fromkeys(self.lost)))
        if not self.alleles:
            raise InputError(
                "alleles of an HLA type must be one at least; got none; give the typing's result"
            )
        for locus in {allele.locus for allele in self.alleles}:
            here = [str(allele) for allele in self.alleles if allele.locus == locus]
            if len(here) > 2:
                raise InputError(
                    f"alleles of HLA-{locus} must be two at most, of one patient; got {', '.join(here)}"
                )
        strangers = [str(allele) for allele in self.lost if allele not in self.alleles]
        if strangers:
            raise InputError(
                f"lost alleles must be among the patient's {', '.join(map(str, self.alleles))}; "
                f"got {', '.join(strangers)}"
            )

    @classmethod
    def named(cls, names: Iterable[str], *, lost: Iterable[str] = ()) -> HlaType:
        """Return the type of names in any usual spelling; a pair counts as its two chains."""
        chains: list[HlaAllele] = []
        for name in names:
            try:
                molecule = HlaMolecule.named(name)
            except InputError:
                chains.append(HlaAllele.named(name))  # a DQ or DP chain alone: typed so, paired below
                continue
            chains += [chain for chain in (molecule.alpha, molecule.beta) if chain is not None]
        return cls(tuple(chains), tuple(HlaAllele.named(name) for name in lost))

    def excluded(self) -> dict[str, str]:
        """Return the alleles that present nothing on the tumour, each with its reason."""
        reasons = {str(a): "null allele: no protein on the cell" for a in self.alleles if a.is_null}
        return reasons | {str(a): "lost by the tumour" for a in self.lost}

    def molecules(self, mhc_class: MhcClass | None = None) -> tuple[HlaMolecule, ...]:
        """Return what presents on the tumour; DQ and DP chains in all pairs, from one copy or both.

        Suffixes are left out: two fields name the protein, which is the same when less of it is made.

        Parameters
        ----------
        mhc_class
            Of this class only; ``None`` for both.
        """
        out = self.excluded()
        present = [replace(allele, suffix="") for allele in self.alleles if str(allele) not in out]
        found: list[HlaMolecule] = []
        for allele in present:
            if allele.locus in _ALPHA:
                continue
            alpha = _ALPHA_OF.get(allele.locus)
            if alpha is None:
                found.append(HlaMolecule(allele))
            else:
                found += [HlaMolecule(allele, other) for other in present if other.locus == alpha]
        return tuple(m for m in dict.fromkeys(found) if mhc_class is None or m.mhc_class is mhc_class)
