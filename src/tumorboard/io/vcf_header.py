"""The head of a VCF: its samples, which one is the tumour, how its changes are annotated."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tumorboard.errors import InputError, MissingAttribute, UnreadableFile

__all__ = ["VcfHeader", "normal_of", "require_fields", "sample_named", "states_proteins", "tumour_of"]

_COLUMNS: Final = ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO")
_VEP_FORMAT: Final = re.compile(r'^##INFO=<ID=([^,]+),.*Ensembl VEP.*Format: ?([^"]+)"')
_VEP_VERSION: Final = re.compile(r'^##VEP="?v?(\d+[^" ]*)"?')
_ASSEMBLY: Final = re.compile(r'\bassembly="?([^",> ]+)"?')
_REFERENCE: Final = re.compile(r"^##reference=(.+)$")
#: Fields of VEP without which no protein is known.
_NEEDED: Final = ("Allele", "Consequence", "Feature", "Protein_position", "Amino_acids", "WildtypeProtein")
_WORDS: Final = re.compile(r"[^A-Za-z]+")
_TUMOUR_WORDS: Final = frozenset({"tumor", "tumour"})
_NORMAL_WORDS: Final = frozenset({"normal", "germline"})
#: Of a cohort's file, samples and letters of each that a message lists.
_LISTED: Final = 8
_LONGEST_NAME: Final = 40


@dataclass(frozen=True, slots=True)
class VcfHeader:
    """What a VCF says before its records.

    Parameters
    ----------
    path
        The file, for messages.
    samples
        Names of the columns after FORMAT.
    annotation_key
        INFO key of VEP's annotation, usually ``"CSQ"``; empty without one.
    annotation_fields
        What each entry holds, in the file's order.
    vep_version, assembly
        Empty if it does not say.
    tumour_sample, normal_sample
        As ``##tumor_sample`` and ``##normal_sample`` name them; empty if they do not.
    has_snpeff
        Whether SnpEff's annotation is there.
    """

    path: Path
    samples: tuple[str, ...]
    annotation_key: str = ""
    annotation_fields: tuple[str, ...] = ()
    vep_version: str = ""
    assembly: str = ""
    tumour_sample: str = ""
    normal_sample: str = ""
    has_snpeff: bool = False

    @classmethod
    def of_lines(cls, path: Path, lines: list[str]) -> VcfHeader:
        """Return the header of the lines up to and with ``#CHROM``.

        Raises
        ------
        UnreadableFile
            When the columns are none of a VCF.
        """
        columns = lines[-1].rstrip("\r").split("\t")
        if tuple(columns[:8]) != _COLUMNS:
            raise UnreadableFile(
                f"columns of a VCF must be {' '.join(_COLUMNS)} ..., with tabs between; {path.name} has "
                f"{' '.join(columns[:8])[:80]!r}; write it again with bcftools"
            )
        found = {"vep": "", "assembly": "", "tumor_sample": "", "normal_sample": "", "reference": ""}
        key, fields, snpeff = "", (), False
        for line in lines:
            if annotation := _VEP_FORMAT.match(line):
                key, fields = annotation[1], tuple(annotation[2].strip().split("|"))
            elif line.startswith("##INFO=<ID=ANN,") and "Functional annotations" in line:
                snpeff = True
            elif line.startswith("##VEP="):
                version, assembly = _VEP_VERSION.match(line), _ASSEMBLY.search(line)
                found["vep"] = version[1] if version else ""
                found["assembly"] = assembly[1] if assembly else ""
            elif reference := _REFERENCE.match(line):
                found["reference"] = reference[1].rpartition("/")[2]
            else:
                for name in ("tumor_sample", "normal_sample"):
                    if line.startswith(f"##{name}="):
                        found[name] = line.partition("=")[2].strip()
        return cls(
            path, tuple(columns[9:]), key, fields, found["vep"], found["assembly"] or found["reference"],
            found["tumor_sample"], found["normal_sample"], snpeff,
        )  # fmt: skip

    def listed_samples(self) -> str:
        """Return the samples as a message can hold them: the first few, long names cut."""
        more = len(self.samples) - _LISTED
        named = [name[:_LONGEST_NAME] for name in self.samples[:_LISTED]]
        return ", ".join(named + [f"{more} more"] * (more > 0)) or "none"


def sample_named(header: VcfHeader, name: str, role: str) -> int:
    """Return the column of a sample, counted from 0.

    Raises
    ------
    InputError
        When the file has no such sample.
    """
    if name not in header.samples:
        raise InputError(
            f"{role} must be a sample of {header.path.name}; got {name!r}; "
            f"its samples are {header.listed_samples()}"
        )
    return header.samples.index(name)


def tumour_of(header: VcfHeader, name: str | None, normal: str | None) -> int | None:
    """Return the tumour's column, counted from 0; ``None`` for a file without samples.

    In order: the name given; the header's ``##tumor_sample``; the only sample; the only one but the normal
    sample that was given; the only one whose name has the word tumour.

    Raises
    ------
    InputError
        When none of these says which it is.
    """
    if name is not None:
        return sample_named(header, name, "tumour_sample")
    if not header.samples:
        return None
    if header.tumour_sample in header.samples:
        return header.samples.index(header.tumour_sample)
    if len(header.samples) == 1:
        return 0
    others = [sample for sample in header.samples if sample != normal]
    if len(others) == 1:
        return header.samples.index(others[0])
    called = _with_word(header, _TUMOUR_WORDS)
    if len(called) == 1:
        return called[0]
    raise InputError(
        f"tumour_sample must be named where nothing says which it is; {header.path.name} has the samples "
        f"{header.listed_samples()}; name the tumour's"
    )


def normal_of(header: VcfHeader, name: str | None, tumour: int | None) -> int | None:
    """Return the normal sample's column, counted from 0; ``None`` where nothing says that there is one.

    Raises
    ------
    InputError
        When it is named and absent, or the same as the tumour's.
    """
    if name is not None:
        found: int | None = sample_named(header, name, "normal_sample")
    elif header.normal_sample in header.samples:
        found = header.samples.index(header.normal_sample)
    else:
        called = _with_word(header, _NORMAL_WORDS)
        found = called[0] if len(called) == 1 else None
    if found is not None and found == tumour:
        if name is None:
            return None  # a name like TUMOR_vs_NORMAL of a single sample
        raise InputError(f"normal_sample must be another than tumour_sample; got {name!r} for both")
    return found


def require_fields(header: VcfHeader) -> None:
    """Refuse a header without VEP's annotation, or without the normal protein in it.

    Raises
    ------
    MissingAttribute
        With the way out.
    """
    way = "run VEP with --symbol --hgvs --plugin Wildtype --plugin Frameshift"
    if not header.annotation_fields:
        also = "; SnpEff's, which it has, states no protein" if header.has_snpeff else ""
        raise MissingAttribute(
            f"VCF must carry VEP's annotation (INFO/CSQ); {header.path.name} has none{also}; "
            f"{way}, or give a GTF and the genome's FASTA"
        )
    missing = [field for field in _NEEDED if field not in header.annotation_fields]
    if missing:
        raise MissingAttribute(
            f"VEP's annotation of {header.path.name} must have {', '.join(_NEEDED)}; it lacks "
            f"{', '.join(missing)}; {way}, or give a GTF and the genome's FASTA"
        )


def states_proteins(header: VcfHeader) -> bool:
    """Return whether VEP's annotation is there with the normal proteins."""
    return set(_NEEDED) <= set(header.annotation_fields)


def _with_word(header: VcfHeader, words: frozenset[str]) -> list[int]:
    return [
        index
        for index, sample in enumerate(header.samples)
        if words.intersection(word.lower() for word in _WORDS.split(sample))
    ]
