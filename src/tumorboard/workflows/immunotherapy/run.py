"""From a tumour's changes to ranked targets, stage by stage."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace

from tumorboard.core.hla import HlaMolecule, HlaType, MhcClass
from tumorboard.core.neopeptide import NeopeptideSet
from tumorboard.errors import InputError, MissingData
from tumorboard.immunotherapy.binding import load_model
from tumorboard.provenance import Record
from tumorboard.workflows.immunotherapy.anchors import AnchorTable, cores_of
from tumorboard.workflows.immunotherapy.candidates import (
    BestPair,
    Candidate,
    best_of_events,
    gather_pairs,
)
from tumorboard.workflows.immunotherapy.clonality import CellFractions
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig
from tumorboard.workflows.immunotherapy.evidence import EvidenceBook
from tumorboard.workflows.immunotherapy.features import FEATURE_REFERENCES, dissimilarities, features_of
from tumorboard.workflows.immunotherapy.funnel import funnel_of
from tumorboard.workflows.immunotherapy.inputs import ImmunotherapyInputs
from tumorboard.workflows.immunotherapy.motifs import TargetMotif, motifs_of
from tumorboard.workflows.immunotherapy.presentation import (
    ClassPredictions,
    ModelSource,
    known_molecules,
    predict_class,
)
from tumorboard.workflows.immunotherapy.result import ImmunotherapyResult, PredictorFacts, Target
from tumorboard.workflows.immunotherapy.self_proteins import SelfProteins
from tumorboard.workflows.immunotherapy.targets import Judge, ranked
from tumorboard.workflows.progress import Progress, silent
from tumorboard.workflows.proton_plan.effort import peak_memory_gb

__all__ = ["require_molecules", "run"]


def run(
    config: ImmunotherapyConfig,
    inputs: ImmunotherapyInputs,
    *,
    models: ModelSource = load_model,
    progress: Progress = silent,
) -> ImmunotherapyResult:
    """Find the targets of one tumour.

    Parameters
    ----------
    config
        The choices.
    inputs
        The tumour's changes and the patient's molecules.
    models
        Gives the predictor of a class.
    progress
        Told how far it is.

    Returns
    -------
    ImmunotherapyResult
        One target for each event that makes a new peptide, best first.

    Raises
    ------
    InputError
        When no molecule presents anything, or one is not known to the predictor.
    MissingData
        When the predictor's weights are not installed.
    """
    stages = _Stages(progress)
    stages.took.update(inputs.stages_s)
    found = inputs.found
    with stages("presentation"):
        predictions, said = _predict(config, inputs, found, models)
    book = EvidenceBook(inputs.variants)
    with stages("self"):
        own = SelfProteins.of(inputs.proteins)
        matches = own.matches({peptide.sequence for peptide in found.kept})
    fractions = CellFractions(
        book.variants(),
        inputs.purity if config.purity is None else config.purity,
        inputs.copies,
        config.sex,
    )
    with stages("anchors"):
        anchors = _anchors(config, found, predictions, own.parts)
    with stages("ranking"):
        judge = Judge(config, anchors, matches.get, fractions)
        targets = _targets(config, found, predictions, book, judge, own)
    with stages("motifs"):
        motifs = _motifs(config, predictions, targets, own.parts)
    return ImmunotherapyResult(
        config=config,
        purity=fractions.purity,
        purity_is_estimated=fractions.is_estimated and fractions.purity is not None,
        targets=targets,
        motifs=motifs,
        funnel=funnel_of(inputs.variants, found, targets),
        dropped=found.counts(),
        hla=tuple(str(allele) for allele in inputs.hla.alleles),
        excluded=inputs.hla.excluded(),
        anchors=anchors.found(),
        predictors=tuple(_facts(one) for one in predictions),
        peptides=len({peptide.sequence for peptide in found.kept}),
        stages_s=stages.took,
        peak_memory_gb=peak_memory_gb(),
        cautions=(*said, *_cautions(inputs, fractions)),
        notes=(*inputs.notes, own.sentence),
        provenance=_provenance(config, inputs, predictions),
    )


class _Stages:
    """Measures stages and tells of them."""

    def __init__(self, progress: Progress) -> None:
        self.took: dict[str, float] = {}
        self._progress = progress

    @contextmanager
    def __call__(self, name: str) -> Iterator[None]:
        self._progress(f"targets: {name}", 0, 1)
        began = time.perf_counter()
        yield
        self.took[name] = time.perf_counter() - began
        self._progress(f"targets: {name}", 1, 1)


def _predict(
    config: ImmunotherapyConfig,
    inputs: ImmunotherapyInputs,
    found: NeopeptideSet,
    models: ModelSource,
) -> tuple[list[ClassPredictions], tuple[str, ...]]:
    predictions: list[ClassPredictions] = []
    said: list[str] = []
    absent: list[MissingData] = []
    for name in config.classes:
        mhc_class = MhcClass(name)
        if not inputs.hla.molecules(mhc_class):
            said.append(
                f"No class {name} allele is typed or left in the tumour: class {name} was not looked at."
            )
            continue
        try:
            model = models(mhc_class)
        except MissingData as reason:
            absent.append(reason)
            continue
        molecules, unknown = known_molecules(inputs.hla, mhc_class, model)
        said += unknown
        if not molecules:
            continue
        lengths = set(config.lengths(name))
        peptides = [peptide for peptide in found.kept if len(peptide.sequence) in lengths]
        predictions.append(predict_class(model, mhc_class, molecules, peptides, threads=config.threads))
        said += [
            f"{molecule}: {note.rstrip('.')}."
            for molecule, note in zip(molecules, predictions[-1].table.allele_notes, strict=True)
            if note
        ]
    if absent and not predictions:
        raise absent[0]
    said += [f"A class was left out: {reason}." for reason in absent]
    if not predictions:
        raise InputError(
            f"HLA type must have an allele of class {' or '.join(config.classes)} that presents; got "
            f"{', '.join(map(str, inputs.hla.alleles))}; type one to two fields"
        )
    return predictions, tuple(said)


def require_molecules(config: ImmunotherapyConfig, hla: HlaType, *, models: ModelSource = load_model) -> None:
    """Refuse a type that no predictor can be asked about, before anything else is done.

    Parameters
    ----------
    config
        With the classes.
    hla
        The patient's type.
    models
        Gives the predictor of a class; one whose weights are not installed is not asked.

    Raises
    ------
    InputError
        When a class I or DR allele is not known.
    """
    for name in config.classes:
        try:
            model = models(MhcClass(name))
        except MissingData:
            continue
        known_molecules(hla, MhcClass(name), model)


def _motifs(
    config: ImmunotherapyConfig,
    predictions: Sequence[ClassPredictions],
    targets: Sequence[Target],
    proteins: Sequence[str],
) -> tuple[TargetMotif, ...]:
    first = [one.model for one in predictions if one.mhc_class is MhcClass.I]
    return motifs_of(targets, first[0], proteins, threads=config.threads) if first else ()


def _anchors(
    config: ImmunotherapyConfig,
    found: NeopeptideSet,
    predictions: Sequence[ClassPredictions],
    proteins: Sequence[str],
) -> AnchorTable:
    first = [one.model for one in predictions if one.mhc_class is MhcClass.I]
    cores: dict[tuple[HlaMolecule, str], int] = {}
    for one in predictions:
        if one.mhc_class is MhcClass.II:
            lengths = set(config.lengths("II"))
            peptides = [peptide.sequence for peptide in found.kept if len(peptide.sequence) in lengths]
            cores |= cores_of(one, peptides, threads=config.threads)
    return AnchorTable(first[0] if first else None, proteins, config.anchor_share, config.threads, cores)


def _targets(
    config: ImmunotherapyConfig,
    found: NeopeptideSet,
    predictions: Sequence[ClassPredictions],
    book: EvidenceBook,
    judge: Judge,
    own: SelfProteins,
) -> tuple[Target, ...]:
    weak = {one.mhc_class: config.percentiles(one.mhc_class.value)[1] for one in predictions}
    lengths = {one.mhc_class: set(config.lengths(one.mhc_class.value)) for one in predictions}
    choice = BestPair(
        is_trusted=lambda peptide: book.is_trusted(peptide, config.support_level),
        is_self=lambda sequence: bool(judge.self_match(sequence)),
        anchors=judge.anchors,
        affinity_nm=config.affinity_nm,
        weak_percentile=weak,
    )

    def best(some: Sequence[ClassPredictions]) -> dict[str, Candidate]:
        return best_of_events(gather_pairs(found.kept, some, lengths), choice)

    by_class = {one.mhc_class: best([one]) for one in predictions}
    chosen = best(predictions)
    features = features_of(list(chosen.values()), weak_percentile=weak)
    targets = []
    for (event, candidate), numbers in zip(chosen.items(), features, strict=True):
        others = [of.get(event) for name, of in by_class.items() if name is not candidate.mhc_class]
        evidence = book.of(candidate.peptide)
        targets.append(judge.target(candidate, evidence, next(iter(others), None), numbers))
    in_order = ranked(targets, {mhc_class.value: value for mhc_class, value in weak.items()})
    if not own.proteins.is_whole or not own.parts:
        return in_order
    unlike = dissimilarities([target.peptide for target in in_order], own.index)
    return tuple(
        replace(target, features={**target.features, "dissimilarity": value})
        for target, value in zip(in_order, unlike, strict=True)
    )


def _facts(one: ClassPredictions) -> PredictorFacts:
    return PredictorFacts(
        one.mhc_class.value,
        one.model.version,
        one.model.training_digest,
        tuple(str(molecule) for molecule in one.molecules),
        one.table.allele_notes,
        one.pairs,
    )


def _cautions(inputs: ImmunotherapyInputs, fractions: CellFractions) -> Iterator[str]:
    if fractions.is_estimated and fractions.purity is not None:
        yield (
            f"Purity was not given: {100 * fractions.purity:.0f} % is estimated from the fractions of reads, "
            "two copies everywhere. State it where it is known."
        )
    elif inputs.copies is None and inputs.variants is not None:
        yield "Copy numbers were not given: those of normal cells are assumed."


def _provenance(
    config: ImmunotherapyConfig,
    inputs: ImmunotherapyInputs,
    predictions: Sequence[ClassPredictions],
) -> Record:
    tables = tuple(one.table.provenance for one in predictions)
    return Record(
        "workflows.immunotherapy.run",
        config.choices(),
        (inputs.provenance, inputs.found.provenance, *tables),
        ("xia2024pvacview", "xia2023anchors", *FEATURE_REFERENCES),
    )
