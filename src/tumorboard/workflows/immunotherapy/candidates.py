"""Pairs of a new peptide and a molecule, and the best of them for each event."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.hla import HlaMolecule, MhcClass
from tumorboard.core.neopeptide import Neopeptide
from tumorboard.immunotherapy.ranking.anchors import mutated_at_anchors_only
from tumorboard.immunotherapy.ranking.mismatches import mutated_positions
from tumorboard.immunotherapy.ranking.tiers import MOST_AT_ANCHORS
from tumorboard.workflows.immunotherapy.presentation import ClassPredictions

__all__ = [
    "BestPair",
    "Candidate",
    "EventPairs",
    "best_of_events",
    "changed_residues",
    "dense_rank",
    "gather_pairs",
]

#: Gives the residues, counted from 0, that hold a peptide in a molecule; ``None`` if not judged.
AnchorSource = Callable[[MhcClass, HlaMolecule, str], frozenset[int] | None]


@dataclass(frozen=True, slots=True, eq=False)
class EventPairs:
    """All pairs of one event's peptides with the molecules of one class.

    Parameters
    ----------
    predictions
        Of the class.
    peptides
        Of the event, of lengths that the class takes.
    mutant_rows, wild_type_rows
        Of the peptides in the table, shape ``(n_peptides,)``; -1 where there is no wild type.
    """

    predictions: ClassPredictions
    peptides: tuple[Neopeptide, ...]
    mutant_rows: NDArray[np.int64]
    wild_type_rows: NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A new peptide on one molecule.

    Parameters
    ----------
    peptide
        The peptide.
    molecule
        That presents it.
    mhc_class
        Of the molecule.
    row, wild_type_row, column
        In the class's table; no row where there is no wild type.
    predictions
        Of the class.
    """

    peptide: Neopeptide
    molecule: HlaMolecule
    mhc_class: MhcClass
    row: int
    wild_type_row: int | None
    column: int
    predictions: ClassPredictions

    def value(self, name: str) -> float:
        """Return one of the table's values of the peptide, by its name."""
        return float(getattr(self.predictions.table, name)[self.row, self.column])

    def wild_type_value(self, name: str) -> float | None:
        """Return the same of the wild type, ``None`` where there is none."""
        if self.wild_type_row is None:
            return None
        return float(getattr(self.predictions.table, name)[self.wild_type_row, self.column])


@dataclass(frozen=True, slots=True, eq=False)
class BestPair:
    """What is asked of an event's best pair.

    Parameters
    ----------
    is_trusted
        Whether one of a peptide's transcripts is.
    is_self
        Whether a peptide occurs elsewhere in the normal proteins.
    anchors
        Gives the residues that hold a peptide.
    affinity_nm
        A binder lies below it [nM].
    weak_percentile
        Of presentation, by class.
    """

    is_trusted: Callable[[Neopeptide], bool]
    is_self: Callable[[str], bool]
    anchors: AnchorSource
    affinity_nm: float
    weak_percentile: Mapping[MhcClass, float]


def gather_pairs(
    peptides: Sequence[Neopeptide],
    predictions: Sequence[ClassPredictions],
    lengths: Mapping[MhcClass, set[int]],
) -> dict[str, list[EventPairs]]:
    """Sort peptides by the event that they are listed under.

    Parameters
    ----------
    peptides
        All that were kept.
    predictions
        One for each class.
    lengths
        That each class takes.

    Returns
    -------
    dict
        By the event's name, in the order of the peptides.
    """
    by_event: dict[str, list[Neopeptide]] = {}
    for peptide in peptides:
        by_event.setdefault(peptide.events[0], []).append(peptide)
    found: dict[str, list[EventPairs]] = {}
    for event, own in by_event.items():
        for one in predictions:
            fit = tuple(p for p in own if len(p.sequence) in lengths[one.mhc_class])
            if not fit or not one.molecules:
                continue
            mutant = np.array([one.rows[p.sequence] for p in fit], np.int64)
            wild = np.array([-1 if p.wild_type is None else one.rows[p.wild_type] for p in fit], np.int64)
            found.setdefault(event, []).append(EventPairs(one, fit, mutant, wild))
    return found


def best_of_events(pairs: Mapping[str, Sequence[EventPairs]], choice: BestPair) -> dict[str, Candidate]:
    """Choose each event's best pair, as pVACseq does but for one thing.

    Of all pairs those with a trusted transcript, if there are any; of these those that bind, are presented,
    are not self and pass the rule on anchors, if there are any; of these the pair with the lowest sum of its
    ranks by affinity and by percentile, of equals the one with the lower percentile. Percentiles count in
    parts of their class's weak one, so that classes can be compared.

    pVACseq prefers pairs that pass the rule on anchors even where these do not bind. Then an event whose
    only binder is an exchanged anchor is called a poor binder, and nobody learns why.

    Parameters
    ----------
    pairs
        By event.
    choice
        What is asked of a pair.

    Returns
    -------
    dict
        By event.

    References
    ----------
    .. [1] xia2024pvacview
    """
    return {event: _best(own, choice) for event, own in pairs.items()}


def _best(own: Sequence[EventPairs], choice: BestPair) -> Candidate:
    affinity, percentile, trusted, useful, where = [], [], [], [], []
    for k, pairs in enumerate(own):
        table, m = pairs.predictions.table, len(pairs.predictions.molecules)
        strength = table.affinity_nm[pairs.mutant_rows]
        affinity.append(strength.ravel())
        weak = choice.weak_percentile[pairs.predictions.mhc_class]
        part = table.percentile[pairs.mutant_rows] / weak
        percentile.append(part.ravel())
        trusted.append(np.repeat([choice.is_trusted(p) for p in pairs.peptides], m))
        new = np.array([not choice.is_self(p.sequence) for p in pairs.peptides], bool)[:, None]
        held = _passes_anchors(pairs, choice.anchors, choice.affinity_nm)
        useful.append((held & new & (strength < choice.affinity_nm) & (part < 1.0)).ravel())
        rows, columns = np.divmod(np.arange(held.size), m)
        where.append(np.column_stack([np.full(held.size, k), rows, columns]))
    bound, rank = np.concatenate(affinity), np.concatenate(percentile)
    left = np.arange(len(bound))
    for wish in (np.concatenate(trusted), np.concatenate(useful)):
        fulfilled = left[wish[left]]
        left = fulfilled if len(fulfilled) else left
    total = dense_rank(bound[left]) + dense_rank(rank[left])
    chosen = left[np.lexsort((rank[left], total))[0]]
    k, row, column = (int(v) for v in np.concatenate(where)[chosen])
    pairs = own[k]
    wild = int(pairs.wild_type_rows[row])
    return Candidate(
        peptide=pairs.peptides[row],
        molecule=pairs.predictions.molecules[column],
        mhc_class=pairs.predictions.mhc_class,
        row=int(pairs.mutant_rows[row]),
        wild_type_row=None if wild < 0 else wild,
        column=column,
        predictions=pairs.predictions,
    )


def _passes_anchors(pairs: EventPairs, anchors: AnchorSource, affinity_nm: float) -> NDArray[np.bool_]:
    """Return whether pairs pass the rule on anchors, shape ``(n_peptides, n_molecules)``."""
    molecules, mhc_class = pairs.predictions.molecules, pairs.predictions.mhc_class
    passed = np.ones((len(pairs.peptides), len(molecules)), bool)
    wild_nm = pairs.predictions.table.affinity_nm
    for row, peptide in enumerate(pairs.peptides):
        changed = changed_residues(peptide)
        if not changed or len(changed) > MOST_AT_ANCHORS:
            continue
        for column, molecule in enumerate(molecules):
            held = anchors(mhc_class, molecule, peptide.sequence)
            if held is not None and mutated_at_anchors_only(changed, held):
                passed[row, column] = wild_nm[pairs.wild_type_rows[row], column] >= affinity_nm
    return passed


def changed_residues(peptide: Neopeptide) -> tuple[int, ...]:
    """Return the residues that differ from the wild type, counted from 0; none where there is none."""
    if peptide.wild_type is None:
        return ()
    return mutated_positions(peptide.sequence, peptide.wild_type)


def dense_rank(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the place of each value among the different ones, counted from 0, shape ``(n,)``.

    Parameters
    ----------
    values
        Lowest first, shape ``(n,)``; equal ones share a place.

    Examples
    --------
    >>> dense_rank(np.array([7.0, 3.0, 7.0, 9.0])).tolist()
    [1, 0, 1, 2]
    """
    return np.asarray(np.unique(values, return_inverse=True)[1], np.int64)
