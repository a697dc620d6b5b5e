"""A synthetic tumour as files, and a predictor whose answers are known."""

from dataclasses import dataclass, field

import numpy as np

from tumorboard.core.hla import MhcClass
from tumorboard.provenance import Record
from tumorboard.workflows.demo.tumour_arm import (
    annotated_vcf,
    genome_fasta,
    gtf,
    plain_vcf,
    proteome_fasta,
)


@dataclass(frozen=True)
class KnownTable:
    affinity_nm: np.ndarray
    percentile: np.ndarray
    presentation: np.ndarray
    uncertainty: np.ndarray
    allele_notes: tuple
    provenance: Record = field(default_factory=lambda: Record("tests.known"))


class KnownModel:
    """Binds what it is told to bind, each peptide on one molecule; all else at 30,000 nM."""

    version = "known"
    training_digest = "0" * 64

    def __init__(self, alleles, binders):
        self.alleles = tuple(alleles)
        self.binders = dict(binders)
        self.asked = []

    def predict(self, peptides, molecules, *, threads=1):
        self.asked += peptides
        affinity = np.array(
            [[self.binders.get((p, str(m)), 30_000.0) for m in molecules] for p in peptides], float
        ).reshape(len(peptides), len(molecules))
        rank = np.clip(affinity / 500.0, 0.0, 100.0)
        notes = ("",) * len(molecules)
        return KnownTable(affinity, rank, np.exp(-affinity / 500.0), np.full_like(affinity, 0.2), notes)


def known_models(hla, binders):
    """Return a source of predictors that know the molecules of a type."""
    models = {c: KnownModel([str(m) for m in hla.molecules(c)], binders) for c in (MhcClass.I, MhcClass.II)}
    return models.__getitem__


def write_annotated(genome, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "somatic.vcf").write_text(annotated_vcf(genome))
    return write_rest(genome, folder)


def write_plain(genome, folder):
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "somatic.vcf").write_text(plain_vcf(genome))
    (folder / "genes.gtf").write_text(gtf(genome))
    (folder / "genome.fa").write_text(genome_fasta(genome))
    return write_rest(genome, folder)


def write_rest(genome, folder):
    (folder / "normal.pep.fa").write_text(proteome_fasta(genome))
    (folder / "hla.txt").write_text("".join(f"{a}\n" for a in genome.hla.alleles))
    (folder / "hla_lost.txt").write_text("".join(f"{a}\n" for a in genome.hla.lost))
    return folder
