"""Running many histories: batches in a thread pool, added up in their order, interruptible and resumable."""

from __future__ import annotations

import json
import os
import time
import zipfile
from collections import deque
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from tumorboard.core._arrays import read_only
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.provenance import Record

__all__ = ["BatchPlan", "BatchSums", "run_batches"]

#: Fewer batches say too little about the scatter among them.
_FEWEST_BATCHES: Final = 10
#: Seconds between two writings of the checkpoint, so that a long run loses little.
_CHECKPOINT_EVERY_S: Final = 30.0
#: Where a dose counts as high, for the target of the uncertainty.
_HIGH_DOSE: Final = 0.5

Tallies = dict[str, NDArray[Any]]


class Progress(Protocol):
    """Called with what is being done, how much of it is done, and how much there is."""

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show it."""


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """How many histories to follow, and how.

    The result depends on all of these but ``threads``; batches are added in their order, so any number of
    threads gives the same bits, and so does an interrupted run that is taken up again.

    Parameters
    ----------
    histories
        To follow, >= 1; fewer are followed when the target is met before.
    seed
        Of the random streams, >= 0.
    threads
        Batches to compute at a time, >= 1.
    batches
        Parts of equal size, at least 10: statistical uncertainty is read off their scatter.
    target_uncertainty
        Stop as soon as the mean relative standard uncertainty, over voxels with more than half the largest
        dose, is at most this; ``None`` follows all histories.

    Raises
    ------
    InputError
        When a number is out of range.
    """

    histories: int
    seed: int
    threads: int
    batches: int = 40
    target_uncertainty: float | None = None

    def __post_init__(self) -> None:
        for name, least in (("histories", 1), ("seed", 0), ("threads", 1), ("batches", _FEWEST_BATCHES)):
            value = getattr(self, name)
            # Streams are numbered in 64 bits.
            if not (
                isinstance(value, int | float | np.integer) and least <= value < 2**63 and int(value) == value
            ):
                raise InputError(f"{name} must be a whole number >= {least} and below 2^63; got {value!r}")
            object.__setattr__(self, name, int(value))
        if self.histories < self.batches:
            raise InputError(
                f"histories must be at least one per batch ({self.batches}); got {self.histories}; "
                f"ask for more histories, or for fewer batches (at least {_FEWEST_BATCHES})"
            )
        if self.target_uncertainty is not None and not 0 < self.target_uncertainty < 1:
            raise InputError(
                f"target_uncertainty must be a fraction between 0 and 1; got {self.target_uncertainty!r}"
            )

    @property
    def settings(self) -> dict[str, Any]:
        """What the result depends on, by name, for its record: all but the threads."""
        return {name: value for name, value in asdict(self).items() if name != "threads"}

    def first_history(self, batch: int) -> int:
        """Return the number of the first history of a batch."""
        return batch * self.histories // self.batches


@dataclass(frozen=True, slots=True, eq=False)
class BatchSums:
    """What all batches together tallied.

    Parameters
    ----------
    tallies
        Sums by name, each of the shape that its maker gave it.
    observed, observed_squares
        Sum and sum of squares over batches of the quantity whose uncertainty counts, both of one shape.
    batches, histories
        That were followed.
    """

    tallies: Mapping[str, NDArray[Any]]
    observed: NDArray[np.float64]
    observed_squares: NDArray[np.float64]
    batches: int
    histories: int

    def __post_init__(self) -> None:
        object.__setattr__(self, "observed", read_only(self.observed, np.float64))
        object.__setattr__(self, "observed_squares", read_only(self.observed_squares, np.float64))

    @property
    def relative_uncertainty(self) -> NDArray[np.float64]:
        """Relative standard uncertainty of ``observed``, of its shape, from batches; 1 where nothing fell."""
        n = self.batches
        mean = self.observed / n
        variance = np.maximum(self.observed_squares / n - mean**2, 0.0) / (n - 1)
        return np.divide(np.sqrt(variance), mean, out=np.ones_like(mean), where=mean > 0)

    @property
    def mean_uncertainty(self) -> float:
        """Mean relative uncertainty over what exceeds half of the largest observed value; 1 if none does."""
        largest = self.observed.max(initial=0.0)
        if largest <= 0:
            return 1.0
        return float(self.relative_uncertainty[self.observed > _HIGH_DOSE * largest].mean())


class _State:
    """Running sums, and their checkpoint."""

    def __init__(self, make: Callable[[], Tallies], observe: Callable[[Tallies], NDArray[Any]]) -> None:
        self.tallies = make()
        self.observe = observe
        shape = observe(self.tallies).shape
        self.observed, self.squares = np.zeros(shape), np.zeros(shape)
        self.done = 0
        #: An interrupt may come in the middle of an addition: what it leaves must not be kept.
        self.whole = True

    def add(self, tallies: Tallies) -> None:
        self.whole = False
        for name, values in tallies.items():
            self.tallies[name] += values
        seen = self.observe(tallies)
        self.observed += seen
        self.squares += seen * seen
        self.done += 1
        self.whole = True

    def save(self, path: Path, key: str) -> None:
        part = path.with_name(f".{path.name}.{os.getpid()}.part")
        try:
            with part.open("wb") as file:
                arrays: dict[str, Any] = {f"tally_{name}": values for name, values in self.tallies.items()}
                head = np.array(json.dumps({"key": key, "done": self.done}))
                np.savez(file, key=head, observed=self.observed, squares=self.squares, **arrays)
            part.replace(path)
        finally:
            part.unlink(missing_ok=True)

    def load(self, path: Path, plan: BatchPlan, key: str) -> None:
        try:
            # Opened as an archive: numpy would take files of other kinds, too.
            with path.open("rb") as file, np.lib.npyio.NpzFile(file, allow_pickle=False) as data:
                head = dict(json.loads(str(data["key"])))
                if head["key"] != key:
                    raise InputError(
                        f"checkpoint {path.name!r} must be of the same run; got one of other inputs or "
                        "another plan; remove it, or name another file"
                    )
                for name, values in self.tallies.items():
                    values[...] = data[f"tally_{name}"]
                self.observed[...], self.squares[...] = data["observed"], data["squares"]
                self.done = int(head["done"])
                if not 0 < self.done <= plan.batches:
                    raise ValueError(f"it claims {self.done} batches of {plan.batches}")
        except (OSError, EOFError, TypeError, ValueError, KeyError, zipfile.BadZipFile) as reason:
            if isinstance(reason, InputError):
                raise
            raise UnreadableFile(
                f"checkpoint {path.name!r} must be one that this program wrote; {reason}; remove it"
            ) from reason

    def sums(self, plan: BatchPlan) -> BatchSums:
        histories = plan.first_history(self.done)
        return BatchSums(self.tallies, self.observed, self.squares, self.done, histories)


def run_batches(
    simulate: Callable[[int, int, Tallies], None],
    make_tallies: Callable[[], Tallies],
    observe: Callable[[Tallies], NDArray[Any]],
    plan: BatchPlan,
    *,
    what: str,
    progress: Progress | None = None,
    checkpoint: Path | None = None,
    record: Record | None = None,
) -> BatchSums:
    """Follow all histories of a plan.

    Parameters
    ----------
    simulate
        Called with the first history, their number, and zeroed tallies to add to; must release the
        interpreter's lock, and depend on nothing but the histories' numbers and the plan's seed.
    make_tallies
        Returns new, zeroed tallies; sums of batches must mean something for all of them.
    observe
        Returns the part of tallies whose uncertainty is wanted, always of one shape.
    plan
        How many histories.
    what
        What ``progress`` is told is being done.
    progress
        Called after each batch with the histories followed and the histories planned.
    checkpoint
        File to take the run up from, if it exists, and to keep the sums in while it lasts: written every half
        minute and on an interrupt, whole or not at all, removed at the end. Needs ``record``.
    record
        Of the inputs, so that a checkpoint of another run is refused.

    Returns
    -------
    BatchSums

    Raises
    ------
    InputError
        When the checkpoint is of another run.
    UnreadableFile
        When it is damaged.
    KeyboardInterrupt
        After the checkpoint was written.
    """
    if checkpoint is not None and record is None:
        raise InputError("record must say what the checkpoint is of; got None; pass the run's Record")
    state = _State(make_tallies, observe)
    settings = f"{plan.histories} {plan.seed} {plan.batches}"
    key = f"{record.digest if record else ''} {settings}"
    if checkpoint is not None and checkpoint.exists():
        state.load(checkpoint, plan, key)
    free = [make_tallies() for _ in range(plan.threads + 1)]
    saved = time.monotonic()

    def start(pool: ThreadPoolExecutor, batch: int) -> Future[Tallies]:
        tallies = free.pop()
        first = plan.first_history(batch)

        def work() -> Tallies:
            for values in tallies.values():
                values[...] = 0
            simulate(first, plan.first_history(batch + 1) - first, tallies)
            return tallies

        return pool.submit(work)

    try:
        with ThreadPoolExecutor(plan.threads) as pool:
            waiting: deque[Future[Tallies]] = deque()
            following = state.done
            try:
                while state.done < plan.batches and not _reached(state, plan):
                    while free and following < plan.batches:
                        waiting.append(start(pool, following))
                        following += 1
                    tallies = waiting.popleft().result()
                    state.add(tallies)
                    free.append(tallies)
                    if progress is not None:
                        progress(what, plan.first_history(state.done), plan.histories)
                    if checkpoint is not None and time.monotonic() - saved > _CHECKPOINT_EVERY_S:
                        state.save(checkpoint, key)
                        saved = time.monotonic()
            finally:
                for future in waiting:
                    future.cancel()
    except BaseException:
        if checkpoint is not None and state.done and state.whole:
            state.save(checkpoint, key)
        raise
    if checkpoint is not None:
        checkpoint.unlink(missing_ok=True)
    return state.sums(plan)


def _reached(state: _State, plan: BatchPlan) -> bool:
    if plan.target_uncertainty is None or state.done < _FEWEST_BATCHES:
        return False
    return state.sums(plan).mean_uncertainty <= plan.target_uncertainty
