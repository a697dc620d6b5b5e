"""Batches of histories, by a run that needs no physics: each history leaves a known random amount."""

import json
import math
import time

import numpy as np
import pytest
from numba import njit

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.numerics._kernels.random_streams import start_stream, uniform
from tumorboard.physics.transport.batches import BatchPlan, BatchSums, run_batches
from tumorboard.provenance import Record

CELLS = 40
RECORD = Record("test.batches", {"medium": "none"})


@njit(nogil=True)
def throw(first, count, seed, hits, squares):
    """Each history adds -log(u) to one of the cells."""
    rng = np.empty(2, np.uint64)
    for history in range(first, first + count):
        start_stream(rng, seed, history)
        cell = int(uniform(rng) * hits.size)
        amount = -math.log(uniform(rng))
        hits[cell] += amount
        squares[0] += amount * amount


def make():
    return {"hits": np.zeros(CELLS), "squares": np.zeros(1)}


def run(plan, *, simulate=None, **options):
    def one(first, count, tallies):
        throw(first, count, plan.seed, tallies["hits"], tallies["squares"])

    return run_batches(simulate or one, make, lambda t: t["hits"], plan, what="throwing", **options)


def same(a, b):
    return (
        all((a.tallies[name] == b.tallies[name]).all() for name in a.tallies)
        and (a.observed == b.observed).all()
        and (a.observed_squares == b.observed_squares).all()
        and (a.batches, a.histories) == (b.batches, b.histories)
    )


def interrupt_after(histories):
    def progress(_what, done, _total):
        if done >= histories:
            raise KeyboardInterrupt

    return progress


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"histories": 0}, "histories must be a whole number >= 1 and below"),
        ({"histories": 1000.5}, "histories must be a whole number"),
        ({"seed": -1}, "seed must be a whole number >= 0"),
        ({"threads": 0}, "threads must be a whole number >= 1 and below"),
        ({"batches": 9}, "batches must be a whole number >= 10"),
        ({"histories": 39}, "at least one per batch"),
        ({"target_uncertainty": 0.0}, "target_uncertainty must be a fraction"),
        ({"target_uncertainty": 1.5}, "target_uncertainty must be a fraction"),
        ({"target_uncertainty": math.nan}, "target_uncertainty must be a fraction"),
    ],
)
def test_batch_plan__says_what_is_wrong(given, said):
    with pytest.raises(InputError, match=said):
        BatchPlan(**({"histories": 1000, "seed": 1, "threads": 1} | given))


@pytest.mark.parametrize("value", [math.nan, math.inf, "1000", None])
def test_batch_plan__no_number_is_an_input_error(value):
    with pytest.raises(InputError, match="histories must be a whole number"):
        BatchPlan(histories=value, seed=1, threads=1)


def test_batch_plan__seeds_beyond_64_bits_are_refused():
    with pytest.raises(InputError, match="seed must be a whole number"):
        BatchPlan(1000, 1 << 64, 1)


def test_first_history__batches_are_consecutive_and_of_equal_size():
    plan = BatchPlan(100_003, 1, 1, batches=40)
    first = [plan.first_history(b) for b in range(41)]
    assert (first[0], first[-1]) == (0, 100_003)
    assert set(np.diff(first)) == {2500, 2501}


def test_run_batches__one_and_more_threads_give_the_same_bits():
    runs = [run(BatchPlan(50_000, 3, threads)) for threads in (1, 2, 5)]
    assert same(runs[0], runs[1])
    assert same(runs[0], runs[2])
    assert runs[0].histories == 50_000


def test_run_batches__batches_that_end_out_of_order_are_added_in_order():
    plan = BatchPlan(4000, 3, 4, batches=10)

    def simulate(first, count, tallies):
        time.sleep(0.02 * (first % 3))
        throw(first, count, 3, tallies["hits"], tallies["squares"])

    assert same(run(plan, simulate=simulate), run(BatchPlan(4000, 3, 1, batches=10)))


def test_run_batches__number_of_batches_changes_rounding_only():
    a, b = run(BatchPlan(50_000, 3, 1, batches=10)), run(BatchPlan(50_000, 3, 1, batches=50))
    np.testing.assert_allclose(a.observed, b.observed, rtol=1e-12)


def test_run_batches__progress_tells_histories():
    seen = []
    run(BatchPlan(1003, 3, 2, batches=10), progress=lambda *said: seen.append(said))
    assert [s[0] for s in seen] == ["throwing"] * 10
    assert [s[1] for s in seen] == [(b + 1) * 1003 // 10 for b in range(10)]
    assert {s[2] for s in seen} == {1003}


@pytest.mark.parametrize("threads", [1, 2])
def test_run_batches__resumed_equals_uninterrupted_bit_for_bit(tmp_path, threads):
    plan, file = BatchPlan(40_000, 5, threads), tmp_path / "run.npz"
    for stop in (9_000, 25_000, 39_999):
        with pytest.raises(KeyboardInterrupt):
            run(plan, checkpoint=file, record=RECORD, progress=interrupt_after(stop))
        assert [f.name for f in tmp_path.iterdir()] == ["run.npz"]
    began = []
    whole = run(plan, checkpoint=file, record=RECORD, progress=lambda _w, done, _t: began.append(done))
    # The last interrupt came when nothing was left to do.
    assert began == []
    assert same(whole, run(BatchPlan(40_000, 5, 1)))
    assert not file.exists()


def test_run_batches__takes_up_where_it_stopped_with_other_threads(tmp_path):
    file = tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(BatchPlan(40_000, 5, 2), checkpoint=file, record=RECORD, progress=interrupt_after(10_000))
    seen = []
    whole = run(
        BatchPlan(40_000, 5, 1),
        checkpoint=file,
        record=RECORD,
        progress=lambda _w, done, _t: seen.append(done),
    )
    assert seen[0] == 11_000
    assert same(whole, run(BatchPlan(40_000, 5, 1)))


def test_run_batches__an_interrupt_while_adding_leaves_no_half_added_batch(tmp_path, monkeypatch):
    from tumorboard.physics.transport import batches

    plan, file = BatchPlan(40_000, 5, 1), tmp_path / "run.npz"
    add = batches._State.add
    asked = []

    def cut_off(state, tallies):
        if state.done == 7 and not asked:
            asked.append(True)

            class Interrupting(dict):
                def items(self):
                    pairs = iter(super().items())
                    yield next(pairs)
                    raise KeyboardInterrupt

            return add(state, Interrupting(tallies))
        return add(state, tallies)

    monkeypatch.setattr(batches._State, "add", cut_off)
    monkeypatch.setattr(batches, "_CHECKPOINT_EVERY_S", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run(plan, checkpoint=file, record=RECORD)
    seen = []
    whole = run(plan, checkpoint=file, record=RECORD, progress=lambda _w, done, _t: seen.append(done))
    assert seen[0] == 8_000
    assert same(whole, run(plan))


def test_run_batches__an_error_in_a_batch_is_raised_and_what_was_done_is_kept(tmp_path):
    plan, file = BatchPlan(10_000, 5, 2, batches=10), tmp_path / "run.npz"

    def simulate(first, count, tallies):
        if first >= 6000:
            raise MemoryError("no more")
        throw(first, count, 5, tallies["hits"], tallies["squares"])

    with pytest.raises(MemoryError):
        run(plan, simulate=simulate, checkpoint=file, record=RECORD)
    seen = []
    whole = run(plan, checkpoint=file, record=RECORD, progress=lambda _w, done, _t: seen.append(done))
    assert seen[0] == 7000
    assert same(whole, run(plan))


def test_run_batches__writes_checkpoints_while_it_runs(tmp_path, monkeypatch):
    from tumorboard.physics.transport import batches

    monkeypatch.setattr(batches, "_CHECKPOINT_EVERY_S", 0.0)
    file, sizes = tmp_path / "run.npz", []
    run(
        BatchPlan(4000, 5, 1),
        checkpoint=file,
        record=RECORD,
        progress=lambda *_: sizes.append(file.stat().st_size if file.exists() else 0),
    )
    assert sizes[0] == 0
    assert min(sizes[1:]) > 0
    assert not any(tmp_path.iterdir())


def checkpoint_of(plan, file, record=RECORD):
    with pytest.raises(KeyboardInterrupt):
        run(plan, checkpoint=file, record=record, progress=interrupt_after(plan.histories // 2))
    return file.read_bytes()


@pytest.mark.parametrize(
    ("plan", "record"),
    [
        (BatchPlan(4000, 6, 1), RECORD),
        (BatchPlan(4001, 5, 1), RECORD),
        (BatchPlan(4000, 5, 1, batches=20), RECORD),
        (BatchPlan(4000, 5, 1), Record("test.batches", {"medium": "another"})),
    ],
)
def test_run_batches__refuses_a_checkpoint_of_another_run(tmp_path, plan, record):
    file = tmp_path / "run.npz"
    bytes_ = checkpoint_of(BatchPlan(4000, 5, 1), file)
    with pytest.raises(InputError, match=r"checkpoint 'run\.npz' must be of the same run.*remove it"):
        run(plan, checkpoint=file, record=record)
    assert file.read_bytes() == bytes_


def npy(file):
    np.save(file.with_suffix(".npy"), np.zeros(3))
    return file.with_suffix(".npy").read_bytes()


def other_npz(file, **arrays):
    np.savez(file.with_suffix(".other.npz"), **arrays)
    return file.with_suffix(".other.npz").read_bytes()


DAMAGES = {
    "empty": lambda whole, _: b"",
    "cut short": lambda whole, _: whole[: len(whole) // 2],
    "text": lambda whole, _: b"not a checkpoint at all, but some text",
    "one byte changed": lambda whole, _: whole[:300] + bytes([whole[300] ^ 1]) + whole[301:],
    "an array": lambda _, file: npy(file),
    "another's": lambda _, file: other_npz(file, a=np.zeros(3)),
    "no JSON": lambda _, file: other_npz(file, key=np.array("{")),
    "JSON of another kind": lambda _, file: other_npz(file, key=np.array("[1]")),
    "a pickle": lambda _, file: other_npz(file, key=np.array([{}], dtype=object)),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_run_batches__refuses_a_damaged_checkpoint(tmp_path, damage):
    plan, file = BatchPlan(4000, 5, 1), tmp_path / "run.npz"
    file.write_bytes(DAMAGES[damage](checkpoint_of(plan, file), file))
    with pytest.raises(UnreadableFile, match=r"checkpoint 'run\.npz' must be one that this program wrote"):
        run(plan, checkpoint=file, record=RECORD)


@pytest.mark.parametrize("change", [{"observed": np.zeros(3)}, {"tally_hits": np.zeros(CELLS + 1)}])
def test_run_batches__refuses_a_checkpoint_of_other_shapes(tmp_path, change):
    plan, file = BatchPlan(4000, 5, 1), tmp_path / "run.npz"
    checkpoint_of(plan, file)
    with np.load(file) as data:
        arrays = dict(data) | change
    np.savez(file, **arrays)
    with pytest.raises(UnreadableFile, match="checkpoint"):
        run(plan, checkpoint=file, record=RECORD)


def test_run_batches__a_checkpoint_does_not_claim_more_than_the_plan(tmp_path):
    plan, file = BatchPlan(4000, 5, 1), tmp_path / "run.npz"
    checkpoint_of(plan, file)
    with np.load(file) as data:
        arrays = dict(data)
    head = json.loads(str(arrays["key"]))
    np.savez(file, **(arrays | {"key": np.array(json.dumps(head | {"done": 41}))}))
    with pytest.raises(UnreadableFile, match="checkpoint"):
        run(plan, checkpoint=file, record=RECORD)


def test_run_batches__a_checkpoint_needs_a_record(tmp_path):
    with pytest.raises(InputError, match="record must say what the checkpoint is of"):
        run(BatchPlan(4000, 5, 1), checkpoint=tmp_path / "run.npz")


def test_relative_uncertainty__agrees_with_theory():
    # Amounts of mean 1 and mean square 2 fall into a cell with probability 1/40: the variance of the mean
    # over n histories is (2 p - p^2) / n.
    n, p = 400_000, 1.0 / CELLS
    found = run(BatchPlan(n, 1, 2, batches=100))
    theory = math.sqrt((2 * p - p * p) / n) / p
    # 40 cells of 99 degrees of freedom each: 1.1 % on their mean.
    assert found.relative_uncertainty.mean() == pytest.approx(theory, rel=0.04)
    assert found.relative_uncertainty == pytest.approx(np.full(CELLS, theory), rel=0.35)
    off = (found.observed / n / p - 1.0) / theory
    assert (off**2).mean() == pytest.approx(1.0, abs=4.0 * math.sqrt(2.0 / CELLS))
    assert found.tallies["squares"][0] / n == pytest.approx(2.0, abs=5 * math.sqrt(20.0 / n))


@pytest.mark.parametrize("batches", [10, 40, 200])
def test_relative_uncertainty__does_not_depend_on_the_number_of_batches(batches):
    found = run(BatchPlan(200_000, 1, 1, batches=batches))
    theory = math.sqrt((2.0 * CELLS - 1.0) / 200_000)
    few = math.sqrt(1.0 / (2.0 * (batches - 1) * CELLS))
    assert found.relative_uncertainty.mean() == pytest.approx(theory, rel=1.0 / (4 * batches) + 4 * few)


def test_relative_uncertainty__is_1_where_nothing_fell():
    sums = BatchSums({}, np.array([0.0, 10.0]), np.array([0.0, 10.0]), batches=10, histories=100)
    assert sums.relative_uncertainty.tolist() == [1.0, 0.0]
    assert sums.mean_uncertainty == 0.0
    assert BatchSums({}, np.zeros(3), np.zeros(3), batches=10, histories=100).mean_uncertainty == 1.0


def test_run_batches__stops_at_the_target_and_keeps_its_promise():
    theory = math.sqrt(2.0 * CELLS - 1.0)  # times 1 / sqrt(histories)
    plan = BatchPlan(400_000, 1, 2, batches=100, target_uncertainty=0.025)
    found = run(plan)
    needed = (theory / 0.025) ** 2
    assert found.mean_uncertainty <= 0.025
    assert found.histories == pytest.approx(needed, rel=0.1)
    assert found.histories == plan.first_history(found.batches)
    # The real errors are what the run says they are: 40 cells, so 11 % of their root mean square.
    error = found.observed / found.histories * CELLS - 1.0
    assert math.sqrt((error**2).mean()) == pytest.approx(found.mean_uncertainty, rel=0.4)
    assert same(found, run(BatchPlan(400_000, 1, 1, batches=100, target_uncertainty=0.025)))


def test_run_batches__an_unreachable_target_follows_all():
    found = run(BatchPlan(4000, 1, 1, target_uncertainty=0.001))
    assert found.histories == 4000
    assert found.mean_uncertainty > 0.001


def test_run_batches__a_target_is_not_met_by_few_batches():
    # Ten batches at least: the scatter of two says nothing.
    found = run(BatchPlan(400_000, 1, 1, batches=40, target_uncertainty=0.5))
    assert found.batches == 10


def test_run_batches__stops_at_the_target_after_a_resume_too(tmp_path):
    plan, file = BatchPlan(400_000, 1, 1, batches=100, target_uncertainty=0.025), tmp_path / "run.npz"
    with pytest.raises(KeyboardInterrupt):
        run(plan, checkpoint=file, record=RECORD, progress=interrupt_after(50_000))
    assert same(run(plan, checkpoint=file, record=RECORD), run(plan))
