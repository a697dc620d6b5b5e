"""What the search for targets is given, as JSON of a case."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Any

from tumorboard.core.annotated_variants import AnnotatedVariants
from tumorboard.core.copy_number import CopyNumberProfile, CopyNumberSegment
from tumorboard.core.hla import HlaAllele, HlaType
from tumorboard.core.neopeptide import (
    DroppedPeptide,
    DropReason,
    Neopeptide,
    NeopeptideSet,
    OriginKind,
    PeptideOrigin,
)
from tumorboard.core.variant import SmallVariant, TranscriptChange, VariantEvidence
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.inputs import ImmunotherapyInputs, NormalProteins

__all__ = ["inputs_from_json", "inputs_to_json"]

_EVIDENCE = (
    "tumour_depth", "tumour_vaf", "normal_depth", "normal_vaf", "rna_depth", "rna_vaf", "in_tumour"
)  # fmt: skip
#: What of a transcript's change its tier rests on; proteins stay behind, for they are many.
_CHANGE = ("gene", "transcript", "canonical", "mane_select", "support_level", "transcript_tpm", "gene_tpm")


def inputs_to_json(inputs: ImmunotherapyInputs) -> dict[str, Any]:
    """Return a tumour as what JSON can hold.

    Dropped peptides are counted by reason and event; of transcripts only those stay that a kept peptide
    comes from.

    Parameters
    ----------
    inputs
        Of one tumour.
    """
    kept_of = {(o.events[0], o.transcript) for peptide in inputs.found.kept for o in peptide.origins}
    dropped = Counter((one.reason.name, one.event) for one in inputs.found.dropped)
    return {
        "hla": {
            "alleles": [str(allele) for allele in inputs.hla.alleles],
            "lost": [str(allele) for allele in inputs.hla.lost],
        },
        "kept": _peptides_to_json(inputs.found.kept),
        "dropped": [[reason, event, count] for (reason, event), count in dropped.items()],
        "found_provenance": inputs.found.provenance.to_dict(),
        "variants": None if inputs.variants is None else _variants_to_json(inputs.variants, kept_of),
        "proteins": {
            "sequences": "\n".join(inputs.proteins.sequences),
            "name": inputs.proteins.name,
            "is_whole": inputs.proteins.is_whole,
        },
        "copies": None
        if inputs.copies is None
        else {
            "segments": [[s.chromosome, s.first, s.last, s.total, s.minor] for s in inputs.copies.segments],
            "provenance": inputs.copies.provenance.to_dict(),
        },
        "purity": inputs.purity,
        "stages_s": dict(inputs.stages_s),
        "notes": list(inputs.notes),
        "provenance": inputs.provenance.to_dict(),
    }


def inputs_from_json(body: dict[str, Any]) -> ImmunotherapyInputs:
    """Return what :func:`inputs_to_json` was given, but for what it leaves out.

    Parameters
    ----------
    body
        Of JSON.
    """
    dropped = tuple(
        DroppedPeptide(DropReason[reason], "", event, "", "")
        for reason, event, count in body["dropped"]
        for _ in range(count)
    )
    sequences = body["proteins"]["sequences"]
    copies = body["copies"]
    return ImmunotherapyInputs(
        hla=HlaType(
            tuple(HlaAllele.named(name) for name in body["hla"]["alleles"]),
            tuple(HlaAllele.named(name) for name in body["hla"]["lost"]),
        ),
        found=NeopeptideSet(
            _peptides_from_json(body["kept"]), dropped, Record.from_dict(body["found_provenance"])
        ),
        variants=None if body["variants"] is None else _variants_from_json(body["variants"]),
        proteins=NormalProteins(
            tuple(sequences.split("\n")) if sequences else (),
            body["proteins"]["name"],
            body["proteins"]["is_whole"],
        ),
        copies=None
        if copies is None
        else CopyNumberProfile(
            [CopyNumberSegment(*segment) for segment in copies["segments"]],
            Record.from_dict(copies["provenance"]),
        ),
        purity=body["purity"],
        stages_s=body["stages_s"],
        notes=tuple(body["notes"]),
        provenance=Record.from_dict(body["provenance"]),
    )


def _peptides_to_json(peptides: Sequence[Neopeptide]) -> dict[str, Any]:
    """Return peptides with their origins as numbers of places, which most peptides share."""
    places: dict[tuple[Any, ...], int] = {}
    rows = []
    for peptide in peptides:
        origins = []
        for o in peptide.origins:
            place = (o.kind.name, o.events, o.gene, o.transcript, o.change)
            origins.append([places.setdefault(place, len(places)), o.start])
        rows.append([peptide.sequence, peptide.wild_type, list(peptide.new_positions), origins])
    return {"places": [list(place) for place in places], "peptides": rows}


def _peptides_from_json(body: dict[str, Any]) -> tuple[Neopeptide, ...]:
    places = body["places"]

    def origin(place: int, start: int) -> PeptideOrigin:
        kind, events, gene, transcript, change = places[place]
        return PeptideOrigin(OriginKind[kind], tuple(events), gene, transcript, change, start)

    return tuple(
        Neopeptide(
            sequence,
            wild_type,
            tuple(positions),
            tuple(origin(*one) for one in origins),
        )
        for sequence, wild_type, positions, origins in body["peptides"]
    )


def _variants_to_json(variants: AnnotatedVariants, kept_of: set[tuple[str, str]]) -> dict[str, Any]:
    return {
        "rows": [
            [
                variant.chromosome,
                variant.position,
                variant.reference,
                variant.alternative,
                list(variant.filters),
                [getattr(variant.evidence, name) for name in _EVIDENCE],
                [
                    [getattr(change, name) for name in _CHANGE]
                    for change in changes
                    if (variant.name, change.transcript) in kept_of
                ],
            ]
            for variant, changes in variants
        ],
        "skipped": dict(variants.skipped),
        "tumour_sample": variants.tumour_sample,
        "normal_sample": variants.normal_sample,
        "assembly": variants.assembly,
        "annotator": variants.annotator,
        "provenance": variants.provenance.to_dict(),
    }


def _variants_from_json(body: dict[str, Any]) -> AnnotatedVariants:
    rows = []
    for chromosome, position, reference, alternative, filters, seen, changes in body["rows"]:
        variant = SmallVariant(
            chromosome,
            position,
            reference,
            alternative,
            tuple(filters),
            evidence=VariantEvidence(**dict(zip(_EVIDENCE, seen, strict=True))),
        )
        told = [dict(zip(_CHANGE, change, strict=True)) for change in changes]
        rows.append((variant, tuple(TranscriptChange(consequences=(), **one) for one in told)))
    return AnnotatedVariants(
        tuple(rows),
        body["skipped"],
        Record.from_dict(body["provenance"]),
        body["tumour_sample"],
        body["normal_sample"],
        body["assembly"],
        body["annotator"],
    )
