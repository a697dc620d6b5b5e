"""Biokinetic models: closed forms against integration and decay chains, refusals, files."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from tumorboard.core.nuclide import Nuclide
from tumorboard.dosimetry.biokinetics import (
    BLADDER_SOURCE,
    OTHER_TISSUES,
    BiokineticModel,
    BladderVoiding,
    Retention,
)
from tumorboard.dosimetry.biokinetics_files import biokinetic_model, read_biokinetics
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.physics.decay import DecayLibrary, decay_data
from tumorboard.physics.decay_chain import decay_chain
from tumorboard.physics.decay_schedule import ScheduleStep, scheduled_amounts

F18_PER_S = math.log(2.0) / 6586.2
half_times = st.floats(60.0, 1e6)


@pytest.mark.parametrize("half_time", [60.0, 720.0, 7200.0, 1e6, math.inf])
@pytest.mark.parametrize("uptake", [10.0, 719.0, 1e5])
def test_retention__integral_is_that_of_a_region_that_fills_and_empties(half_time, uptake):
    kept = Retention("liver", 0.3, (0.4, 0.6), (half_time, 3600.0), uptake_half_time_s=uptake)
    comes, decay = math.log(2.0) / uptake, F18_PER_S

    def slopes(_, state):
        waiting, one, other, _ = state
        leaves = math.log(2.0) / half_time, math.log(2.0) / 3600.0
        arriving = comes * waiting
        return [
            -(comes + decay) * waiting,
            0.4 * arriving - (leaves[0] + decay) * one,
            0.6 * arriving - (leaves[1] + decay) * other,
            one + other,
        ]

    end = 40.0 / decay
    found = solve_ivp(slopes, (0.0, end), [0.3, 0.0, 0.0, 0.0], method="LSODA", rtol=1e-9, atol=1e-12)
    assert kept.time_integrated_s(decay) == pytest.approx(found.y[3, -1], rel=1e-5)


def test_retention__all_that_is_taken_up_has_been_there_where_decay_is_slow():
    slow = Retention("liver", 0.5, (1.0,), (3600.0,), uptake_half_time_s=7200.0)
    at_once = Retention("liver", 0.5, (1.0,), (3600.0,))
    assert slow.time_integrated_s(1e-12) == pytest.approx(at_once.time_integrated_s(1e-12), rel=1e-6)


@given(half_time=half_times, interval=st.floats(600.0, 1e5))
def test_bladder_voiding__integral_is_that_of_its_curve(half_time, interval):
    bladder = BladderVoiding(0.3, (0.25, 0.75), (720.0, half_time), voiding_interval_s=interval)
    total = 0.0
    # Gauss-Legendre in each interval, until F-18 is gone.
    nodes, weights = np.polynomial.legendre.leggauss(40)
    for n in range(math.ceil(30.0 / F18_PER_S / interval) + 1):
        for low, high in ((0.0, 0.05), (0.05, 0.3), (0.3, 1.0)):
            t = interval * (n + low + (high - low) * 0.5 * (nodes + 1))
            values = bladder.activity_share(np.minimum(t, np.nextafter(interval * (n + 1), 0)), F18_PER_S)
            total += float(values @ weights) * 0.5 * (high - low) * interval
    assert bladder.time_integrated_s(F18_PER_S) == pytest.approx(total, rel=1e-6)


def test_bladder_voiding__activity_is_what_a_chain_with_emptyings_has():
    # Body and bladder as pools of one nuclide: what leaves the body in a step comes to the bladder.
    chain = decay_chain("F-18", library=DecayLibrary.ENDF_B_VIII_1)
    decay = float(chain.decay_constant_per_s[chain.index(Nuclide.named("F-18"))])
    interval, step = 12600.0, 20.0
    bladder = BladderVoiding(0.24, (1.0,), (5400.0,), voiding_interval_s=interval)
    rate = math.log(2.0) / 5400.0
    times = np.arange(0.0, 5 * interval, step)
    steps = []
    for k, t in enumerate(times):
        # At the middle of a step all that leaves in it, decayed as the rest.
        came = 0.24 * (math.exp(-rate * t) - math.exp(-rate * (t + step))) * math.exp(-decay * (t + step / 2))
        kept = {"F-18": 0.0} if k and math.isclose(t % interval, 0.0, abs_tol=1e-9) else {}
        if kept:
            steps.append(ScheduleStep(float(t), kept=kept))
        steps.append(ScheduleStep(float(t + step / 2), added={"F-18": came}))
    ends = times[30::50] + step
    ends = ends[np.abs(ends % interval) > step]
    found = scheduled_amounts(chain, steps, ends).atoms[:, chain.index(Nuclide.named("F-18"))]
    assert bladder.activity_share(ends, decay) == pytest.approx(found, rel=1e-6)


def test_bladder_voiding__never_emptied_holds_all_that_came():
    bladder = BladderVoiding(0.24, (1.0,), (5400.0,), voiding_interval_s=1e9)
    rate = math.log(2.0) / 5400.0
    expected = 0.24 * (1.0 / F18_PER_S - 1.0 / (F18_PER_S + rate))
    assert bladder.time_integrated_s(F18_PER_S) == pytest.approx(expected, rel=1e-12)


@given(first=st.floats(600.0, 1e5), more=st.floats(1.01, 10.0))
def test_bladder_voiding__longer_intervals_give_more(first, more):
    def integral(interval):
        voiding = BladderVoiding(0.24, (0.25, 0.75), (720.0, 5400.0), voiding_interval_s=interval)
        return voiding.time_integrated_s(F18_PER_S)

    assert integral(first) < integral(first * more)


def test_biokinetic_model__fdg_conserves_what_is_administered():
    fdg = biokinetic_model("fdg")
    assert sum(r.fraction for r in fdg.retentions) == pytest.approx(1.0)
    # What leaves is what the bladder gets, at each rate.
    other = next(r for r in fdg.retentions if r.source == OTHER_TISSUES)
    leaving = [other.fraction * share for share in other.shares[:2]]
    coming = [fdg.bladder.fraction * share for share in fdg.bladder.shares]
    assert leaving == pytest.approx(coming)
    assert other.half_times_s[:2] == fdg.bladder.half_times_s


def test_biokinetic_model__fdg_has_the_published_integrals():
    # ICRP 106 gives 0.26 h for the bladder's contents of an adult.
    fdg = biokinetic_model("fdg")
    half_life = decay_data("F-18", library=DecayLibrary.ENDF_B_VIII_1).half_life_s
    found = fdg.time_integrated_s(math.log(2.0) / half_life)
    assert found[BLADDER_SOURCE] / 3600.0 == pytest.approx(0.26, abs=0.006)
    assert sum(found.values()) / 3600.0 < half_life / math.log(2.0) / 3600.0


def test_biokinetic_model__refuses_what_is_no_model():
    liver = Retention("liver", 0.7)
    bladder = BladderVoiding(0.5, (1.0,), (5400.0,), voiding_interval_s=12600.0)
    for retentions, urine, references, words in (
        ((), None, ("x",), "one or more"),
        ((liver, liver), None, ("x",), "region of its own"),
        ((liver, Retention("brain", 0.5)), None, ("x",), "sum to at most 1"),
        ((liver,), bladder, ("x",), "at most what does not stay"),
        ((Retention(BLADDER_SOURCE, 0.1),), bladder, ("x",), "contents apart"),
        ((liver,), None, (), "must say where"),
    ):
        with pytest.raises(InputError, match=words):
            BiokineticModel("tracer", "F-18", retentions, urine, references)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: Retention("liver", 0.0), "fraction of liver"),
        (lambda: Retention("liver", 0.5, (0.5, 0.4), (1.0, 2.0)), "sum to 1"),
        (lambda: Retention("liver", 0.5, (1.0,), (-1.0,)), "must be > 0"),
        (lambda: Retention("liver", 0.5, (1.0,), (1.0, 2.0)), "lists of one length"),
        (lambda: Retention("liver", 0.5, uptake_half_time_s=math.inf), "uptake_half_time_s"),
        (lambda: BladderVoiding(0.2, (1.0,), (math.inf,), voiding_interval_s=1.0), "must be finite"),
        (lambda: BladderVoiding(0.2, (1.0,), (60.0,), voiding_interval_s=0.0), "voiding_interval_s"),
        (lambda: biokinetic_model("fdg").time_integrated_s(0.0), "decay_constant_per_s"),
        (lambda: biokinetic_model("water"), "one of fdg"),
    ],
)
def test_biokinetics__refuses_numbers_out_of_range(make, words):
    with pytest.raises(InputError, match=words):
        make()


TRACER = """
name = "tracer"
nuclide = "68Ga"
references = ["a publication"]

[[retention]]
source = "kidneys"
fraction = 0.1
shares = [0.5, 0.5]
half_times_h = [2, inf]
uptake_half_time_h = 0.1

[bladder]
fraction = 0.2
shares = [1.0]
half_times_h = [1.0]
voiding_interval_h = 3
"""


def test_read_biokinetics__reads_hours(tmp_path):
    path = tmp_path / "tracer.toml"
    path.write_text(TRACER)
    found = read_biokinetics(path)
    assert found.nuclide == "Ga-68"
    assert found.retentions == (
        Retention("kidneys", 0.1, (0.5, 0.5), (7200.0, math.inf), uptake_half_time_s=360.0),
    )
    assert found.bladder.voiding_interval_s == 10800.0


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("fraction = 0.1", "fration = 0.1", "unknown fration"),
        ("references", "reference", "unknown reference"),
        ('references = ["a publication"]', "", "no references"),
        ('["a publication"]', "3", "list of texts"),
        ("shares = [0.5, 0.5]", "", "must both be there"),
        ("voiding_interval_h = 3", 'voiding_interval_h = "3"', "must be a number"),
        ("shares = [1.0]", "shares = 1.0", "list of numbers"),
        ("[bladder]", "[[bladder]]", "must be a table"),
    ],
)
def test_read_biokinetics__refuses_other_content(tmp_path, old, new, words):
    path = tmp_path / "tracer.toml"
    path.write_text(TRACER.replace(old, new))
    with pytest.raises(InputError, match=words):
        read_biokinetics(path)


def test_read_biokinetics__refuses_what_is_no_toml(tmp_path):
    path = tmp_path / "tracer.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(UnreadableFile, match="must be TOML"):
        read_biokinetics(path)
