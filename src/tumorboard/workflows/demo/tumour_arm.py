"""The demo patient's tumour: variants, HLA type and normal proteins as files, and what is planted in them."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

from tumorboard.core.variant import SmallVariant, TranscriptChange
from tumorboard.phantoms.tumour_genome import TumourGenome

__all__ = ["annotated_vcf", "genome_fasta", "gtf", "plain_vcf", "proteome_fasta", "write_tumour"]

_FIELDS: Final = (
    "Allele", "Consequence", "IMPACT", "SYMBOL", "Gene", "Feature_type", "Feature", "BIOTYPE",
    "Protein_position", "Amino_acids", "CANONICAL", "MANE_SELECT", "TSL", "FrameshiftSequence",
    "WildtypeProtein",
)  # fmt: skip
_FORMAT: Final = "GT:AD:DP:AF:RAD:RDP:RAF:GX:TX:PS"
_HEADER: Final = (
    "##fileformat=VCFv4.2",
    "##source=tumorboard phantom: a synthetic tumour, of nobody",
    '##FILTER=<ID=PASS,Description="All filters passed">',
    '##FILTER=<ID=weak_evidence,Description="Invented">',
    '##FORMAT=<ID=GT,Number=1,Type=String,Description="Genotype">',
    '##FORMAT=<ID=AD,Number=R,Type=Integer,Description="Reads of each allele">',
    '##FORMAT=<ID=DP,Number=1,Type=Integer,Description="Reads">',
    '##FORMAT=<ID=AF,Number=A,Type=Float,Description="Fraction of reads">',
    '##FORMAT=<ID=RAD,Number=R,Type=Integer,Description="RNA reads of each allele">',
    '##FORMAT=<ID=RDP,Number=1,Type=Integer,Description="RNA reads">',
    '##FORMAT=<ID=RAF,Number=A,Type=Float,Description="Fraction of RNA reads">',
    '##FORMAT=<ID=GX,Number=.,Type=String,Description="Gene expression [TPM]">',
    '##FORMAT=<ID=TX,Number=.,Type=String,Description="Transcript expression [TPM]">',
    '##FORMAT=<ID=PS,Number=1,Type=String,Description="Phase set">',
    "##tumor_sample=DEMO_TUMOR",
    "##normal_sample=DEMO_NORMAL",
)


def write_tumour(genome: TumourGenome, folder: Path) -> None:
    """Write a synthetic tumour as a case folder holds it.

    Parameters
    ----------
    genome
        With planted epitopes.
    folder
        Made; gets ``somatic.vcf``, ``hla.txt``, ``hla_lost.txt`` and ``normal.pep.fa``.
    """
    folder.mkdir()
    (folder / "somatic.vcf").write_text(annotated_vcf(genome), encoding="utf-8")
    (folder / "normal.pep.fa").write_text(proteome_fasta(genome), encoding="utf-8")
    for name, alleles in (("hla.txt", genome.hla.alleles), ("hla_lost.txt", genome.hla.lost)):
        text = "".join(f"{allele}\n" for allele in alleles)
        (folder / name).write_text(text, encoding="utf-8")


def annotated_vcf(genome: TumourGenome) -> str:
    """Return the tumour's variants as VEP annotates them, with its plugins Wildtype and Frameshift."""
    info = (
        '##INFO=<ID=CSQ,Number=.,Type=String,Description="Consequence annotations from Ensembl VEP. Format: '
        f'{"|".join(_FIELDS)}">'
    )
    lines = [*_HEADER, info, _contig(genome), _columns()]
    lines += [
        _record(variant, changes[0], f"CSQ={_entry(variant, changes[0])}")
        for variant, changes in genome.variants
    ]
    return "\n".join(lines) + "\n"


def plain_vcf(genome: TumourGenome) -> str:
    """Return the tumour's variants without annotation, for which an annotation and a genome are needed."""
    lines = [*_HEADER, _contig(genome), _columns()]
    lines += [_record(variant, changes[0], ".") for variant, changes in genome.variants]
    return "\n".join(lines) + "\n"


def proteome_fasta(genome: TumourGenome) -> str:
    """Return the normal proteins."""
    return "".join(f">{gene.transcript} gene_symbol:{gene.symbol}\n{gene.protein}\n" for gene in genome.genes)


def genome_fasta(genome: TumourGenome) -> str:
    """Return the normal genome, 60 bases a line."""
    rows = [genome.bases[k : k + 60] for k in range(0, len(genome.bases), 60)]
    return "\n".join([f">{genome.chromosome}", *rows]) + "\n"


def gtf(genome: TumourGenome) -> str:
    """Return the annotation of the genes: one exon each, on the forward strand."""
    lines = []
    for gene in genome.genes:
        last = gene.start + len(gene.coding) - 1
        about = (
            f'gene_id "{gene.symbol}"; transcript_id "{gene.transcript}"; gene_name "{gene.symbol}"; '
            'transcript_biotype "protein_coding"; tag "Ensembl_canonical"; tag "MANE_Select"; '
            'transcript_support_level "1";'
        )
        for kind, end, frame in (("exon", last, "."), ("CDS", last - 3, "0")):
            lines.append(f"{genome.chromosome}\tphantom\t{kind}\t{gene.start}\t{end}\t.\t+\t{frame}\t{about}")
        lines.append(f"{genome.chromosome}\tphantom\tstop_codon\t{last - 2}\t{last}\t.\t+\t0\t{about}")
    return "\n".join(lines) + "\n"


def _contig(genome: TumourGenome) -> str:
    return f"##contig=<ID={genome.chromosome},length={len(genome.bases)}>"


def _columns() -> str:
    return "\t".join(
        ("#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO", "FORMAT", "DEMO_NORMAL", "DEMO_TUMOR")
    )


def _record(variant: SmallVariant, change: TranscriptChange, info: str) -> str:
    filters = ";".join(variant.filters) or "PASS"
    cells: list[Any] = [
        variant.chromosome,
        variant.position,
        ".",
        variant.reference,
        variant.alternative,
        ".",
    ]
    cells += [filters, info, _FORMAT, _normal(variant), _tumour(variant, change)]
    return "\t".join(map(str, cells))


def _normal(variant: SmallVariant) -> str:
    depth = variant.evidence.normal_depth or 0
    return f"0/0:{depth},0:{depth}:0.0:.:.:.:.:.:."


def _tumour(variant: SmallVariant, change: TranscriptChange) -> str:
    seen = variant.evidence
    depth, rna = seen.tumour_depth or 0, seen.rna_depth or 0
    mutant, rna_mutant = round(depth * (seen.tumour_vaf or 0.0)), round(rna * (seen.rna_vaf or 0.0))
    genotype = "0/1" if variant.phase is None else "0|1"
    cells = [
        genotype,
        f"{depth - mutant},{mutant}",
        depth,
        seen.tumour_vaf,
        f"{rna - rna_mutant},{rna_mutant}",
        rna,
        "." if seen.rna_vaf is None else seen.rna_vaf,
        f"{change.gene}|{change.gene_tpm}",
        f"{change.transcript}|{change.transcript_tpm}",
        "." if variant.phase is None else variant.phase.block,
    ]
    return ":".join(map(str, cells))


def _entry(variant: SmallVariant, change: TranscriptChange) -> str:
    """Return VEP's entry: the allele without the base that both share, residues as it writes them."""
    is_indel = len(variant.reference) != len(variant.alternative)
    first = change.protein_start or 0
    last = first + max(len(change.reference_residues), 1) - 1
    old, new = change.reference_residues or "-", change.alternative_residues or "-"
    said = {
        "Allele": (variant.alternative[1:] or "-") if is_indel else variant.alternative,
        "Consequence": "&".join(change.consequences),
        "IMPACT": "MODERATE",
        "SYMBOL": change.gene,
        "Gene": change.gene,
        "Feature_type": "Transcript",
        "Feature": change.transcript,
        "BIOTYPE": change.biotype,
        "Protein_position": str(first) if first == last else f"{first}-{last}",
        "Amino_acids": old if old == new else f"{old}/{new}",
        "CANONICAL": "YES",
        "MANE_SELECT": "DEMO_1.1",
        "TSL": "1",
        "FrameshiftSequence": change.mutant_protein or "",
        "WildtypeProtein": change.wild_type_protein or "",
    }
    return "|".join(said[name] for name in _FIELDS)
