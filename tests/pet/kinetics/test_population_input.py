import kinetic_data as kinetic
import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.errors import InputError
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.pet.kinetics.population_input import population_template
from tumorboard.provenance import Record

RECORD = Record("test")
TIMES = np.r_[0:120:5, 150:5401:150].astype(float)


def bolus(peak_s, height):
    u = np.maximum(TIMES - peak_s + 10.0, 0.0)
    values = height * (u * np.exp(-0.1 * u) + 0.5 * (np.exp(-1e-3 * u) - np.exp(-0.1 * u)))
    return InputFunction(TIMES, values, 0.8 * values, RECORD)


def test_population_template__scaled_to_samples_finds_the_scale():
    mean = population_template(
        [bolus(30, 1.0), bolus(30, 2.0)], [1.0, 2.0], per="1", times_s=TIMES, align_peaks=False
    )
    plasma = BloodCurve(TIMES, bolus(30, 1.0).parent_plasma_bq_ml * 7.0)
    found = mean.scaled_to_samples(BloodSamples(None, plasma, None, RECORD), 1800.0, 5400.0)
    assert found.scale == pytest.approx(7.0, rel=1e-12)
    assert found.scale_error == pytest.approx(0.0, abs=1e-9)
    assert found.blood.parent_integral([5400.0]) == pytest.approx(
        7.0 * bolus(30, 1.0).parent_integral([5400.0])
    )
    assert mean.parent_sd.max() == pytest.approx(0.0, abs=1e-12)


def test_population_template__aligned_peaks_keep_the_height():
    people = [bolus(20, 1.0), bolus(60, 1.0)]
    loose, tight = (
        population_template(people, [1.0, 1.0], per="1", times_s=TIMES[:-1], align_peaks=align)
        for align in (False, True)
    )
    assert tight.parent_plasma.max() > 1.3 * loose.parent_plasma.max()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: template([0.0]), "divisors must be one number > 0"),
        (lambda: template([1.0], times=[0.0, 9000.0]), "blood must reach to the end"),
        (lambda: template([1.0]).scaled_by(-1.0), "factor must be > 0, in Bq/kg"),
        (
            lambda: template([1.0]).scaled_to_samples(
                BloodSamples(None, BloodCurve([1.0], [1.0]), None, RECORD), 60.0, 90.0
            ),
            "samples must lie between 60 and 90 s",
        ),
    ],
)
def test_population_template__bad_input_is_one_sentence(call, message):
    with pytest.raises(InputError, match=message):
        call()


def template(divisors, times=TIMES):
    return population_template([bolus(30, 1.0)], divisors, per="Bq/kg", times_s=times, align_peaks=False)


@pytest.mark.slow
def test_population_template__of_other_people_gives_the_area_of_real_scans(data_dir):
    # Each person left out in turn; scaled by the samples after 20 min.
    scans = kinetic.pbr28_scans(data_dir)
    nodes = np.unique(np.r_[np.arange(0.0, 300.0, 2.0), np.arange(300.0, 5300.0, 60.0)])
    errors = []
    for scan in scans:
        others = [kinetic.pbr28_blood(data_dir, s, 5700.0) for s in scans if s[:4] != scan[:4]]
        areas = [blood.parent_integral([5200.0])[0] for blood in others]
        mean = population_template(others, areas, per="area to 5200 s", times_s=nodes, align_peaks=True)
        found = mean.scaled_to_samples(kinetic.pbr28_samples(data_dir, scan), 1200.0, 5300.0)
        true = kinetic.pbr28_blood(data_dir, scan, 5700.0).parent_integral([5200.0])[0]
        errors.append(found.blood.parent_integral([5200.0])[0] / true - 1.0)
    assert abs(np.mean(errors)) < 0.05
    assert np.std(errors) < 0.25
