"""What an optimisation found, and its state to go on from."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from tempfile import NamedTemporaryFile

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.provenance import Record

__all__ = ["OptimisationResult", "OptimisationState", "OptimisationStatus"]


class OptimisationStatus(Enum):
    """Why it ended."""

    CONVERGED = "converged"
    MAXIMUM_ITERATIONS = "maximum_iterations"
    NO_PROGRESS = "no_progress"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"


@dataclass(frozen=True, slots=True, eq=False)
class OptimisationState:
    """Where an optimisation stands.

    Parameters
    ----------
    weights
        The best so far, in 1e6 protons per fraction, shape ``(n_spots,)``.
    history
        Iteration, value and seconds since the start of each iteration, shape ``(n_iterations, 3)``.
    problem_digest
        Of the problem's record: what it belongs to.
    """

    weights: NDArray[np.float64]
    history: NDArray[np.float64]
    problem_digest: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights, np.float64))
        object.__setattr__(self, "history", read_only(np.reshape(self.history, (-1, 3)), np.float64))

    @property
    def iteration(self) -> int:
        """Iterations done."""
        return int(self.history[-1, 0]) if len(self.history) else 0

    def save(self, path: Path) -> None:
        """Write to ``.npz``, whole or not at all.

        Parameters
        ----------
        path
            Replaced when it is there.
        """
        temporary = None
        try:
            with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
                temporary = Path(file.name)
                np.savez(
                    file,
                    weights=self.weights,
                    history=self.history,
                    problem_digest=np.array(self.problem_digest),
                )
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
        except BaseException:
            if temporary is not None:
                temporary.unlink(missing_ok=True)
            raise

    @classmethod
    def load(cls, path: Path) -> OptimisationState:
        """Read what :meth:`save` wrote.

        Parameters
        ----------
        path
            To the file.

        Raises
        ------
        UnreadableFile
            When it is not such a file.
        """
        try:
            with np.load(path, allow_pickle=False) as file:
                return cls(file["weights"], file["history"], str(file["problem_digest"]))
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as reason:
            raise UnreadableFile(
                f"{path} must be a checkpoint of an optimisation (.npz); {reason}; start without it"
            ) from reason

    def check_fits(self, problem_digest: str, n_spots: int) -> None:
        """Raise unless it belongs to the problem.

        Parameters
        ----------
        problem_digest
            Digest of the problem's record.
        n_spots
            The problem's number of spots.
        """
        if self.weights.shape != (n_spots,) or self.problem_digest != problem_digest:
            raise InputError(
                f"the state to go on from must be of the same problem ({n_spots} spots, record "
                f"{problem_digest[:12]}); got {len(self.weights)} spots, record {self.problem_digest[:12]}; "
                "pass its weights as the start of a new optimisation"
            )


@dataclass(frozen=True, slots=True, eq=False)
class OptimisationResult:
    """Spot weights and how they were found.

    Parameters
    ----------
    weights
        In 1e6 protons per fraction, >= 0, shape ``(n_spots,)``.
    objective
        What was made small.
    terms
        Importance times value of each objective by its label: the nominal one, or that of each scenario for
        robust ones.
    violations
        How far each bound is exceeded, in the unit of its measure, by label; negative within it.
    iterations
        How many, those before a resumption among them.
    evaluations
        Of value and gradient.
    state
        To go on from, with the history.
    status
        Why it ended.
    residual
        Largest component of the projected gradient in scaled variables, relative to that at the start.
    provenance
        How it was made.
    """

    weights: NDArray[np.float64]
    objective: float
    terms: Mapping[str, tuple[float, ...]]
    violations: Mapping[str, float]
    iterations: int
    evaluations: int
    state: OptimisationState
    status: OptimisationStatus
    residual: float
    provenance: Record

    def __post_init__(self) -> None:
        object.__setattr__(self, "weights", read_only(self.weights, np.float64))

    @property
    def history(self) -> NDArray[np.float64]:
        """Iteration, value and seconds since the start of each iteration, shape ``(n_iterations, 3)``."""
        return self.state.history
