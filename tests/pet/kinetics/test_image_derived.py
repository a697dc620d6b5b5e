import numpy as np
import pytest

from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.grid import AXIAL, Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.errors import GridMismatch, InputError
from tumorboard.pet.kinetics.decay_correction import corrected_to_injection, frame_decay_factors
from tumorboard.pet.kinetics.image_derived import HottestVoxels, MeanOfVoxels, image_derived_blood
from tumorboard.provenance import Record

RECORD = Record("test")
GRID = Grid((2, 3, 4), (2.0, 2.0, 2.0), (0.0, 0.0, 0.0), AXIAL, frame_of_reference="2.25.1")
START, LENGTH = np.array([0.0, 10.0, 20.0, 60.0]), np.array([10.0, 10.0, 40.0, 240.0])
BLOOD, TISSUE = np.array([0.0, 90e3, 30e3, 8e3]), np.array([0.0, 1e3, 5e3, 6e3])
VESSEL = np.zeros(GRID.shape, bool)
VESSEL[:, 1, 1:3] = True


def mask(inside, grid=GRID):
    return Image(inside, grid, Quantity.LABEL, RECORD)


def dynamic(recovery=1.0, noise=0.0, time_zero="injection"):
    seen = recovery * BLOOD + (1 - recovery) * TISSUE
    values = np.where(VESSEL, seen[:, None, None, None], TISSUE[:, None, None, None])
    values = values + np.random.default_rng(1).normal(0.0, 1.0, values.shape) * noise
    return DynamicImage(values, GRID, Quantity.ACTIVITY_CONCENTRATION, START, LENGTH, time_zero, RECORD)


@pytest.mark.parametrize("voxels", [MeanOfVoxels(), HottestVoxels(2, 60.0)])
@pytest.mark.parametrize("recovery", [1.0, 0.4])
def test_image_derived_blood__undoes_the_partial_volume(voxels, recovery):
    found = image_derived_blood(
        dynamic(recovery), mask(VESSEL), voxels=voxels, recovery=recovery, surroundings=mask(~VESSEL)
    )
    np.testing.assert_allclose(found.whole_blood.values, BLOOD, rtol=1e-12, atol=1e-9)
    assert found.whole_blood.times_s.tolist() == [5.0, 15.0, 40.0, 180.0]
    assert found.plasma is None
    assert found.provenance.parameters["recovery"] == recovery


def test_image_derived_blood__hottest_voxels_are_those_of_the_bolus_and_biased_by_noise():
    image = dynamic(noise=5e3)
    hottest = HottestVoxels(1, 20.0).chosen(image, VESSEL)
    assert hottest.sum() == 1
    assert image.values[:2, hottest].max() == image.values[:2, VESSEL].max()
    one, all_ = (
        image_derived_blood(image, mask(VESSEL), voxels=v, recovery=1.0, surroundings=None)
        for v in (HottestVoxels(1, 20.0), MeanOfVoxels())
    )
    assert one.whole_blood.values.max() > all_.whole_blood.values.max()


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"recovery": 0.0}, InputError, "recovery must be above 0, at most 1"),
        ({"vessel": mask(np.zeros(GRID.shape, bool))}, InputError, "vessel must be a boolean image"),
        ({"voxels": HottestVoxels(9, 60.0)}, InputError, "count must be at most the vessel's 4 voxels"),
        ({"voxels": HottestVoxels(2, 5.0)}, InputError, "until_s must be after the end of the first frame"),
        ({"dynamic": dynamic(time_zero="scan start")}, InputError, "must count from the injection"),
        (
            {"vessel": mask(VESSEL[:1], GRID.crop((0, 0, 0), (1, 3, 4)))},
            GridMismatch,
            "vessel and dynamic image",
        ),
    ],
)
def test_image_derived_blood__bad_input_is_one_sentence(changes, error, message):
    choices = {
        "dynamic": dynamic(),
        "vessel": mask(VESSEL),
        "voxels": MeanOfVoxels(),
        "recovery": 1.0,
    } | changes
    with pytest.raises(error, match=message):
        image_derived_blood(
            choices["dynamic"],
            choices["vessel"],
            voxels=choices["voxels"],
            recovery=choices["recovery"],
            surroundings=None,
        )


def test_corrected_to_injection__a_constant_source_stays_constant():
    half_life = 1221.8
    rate = np.log(2) / half_life
    measured = (np.exp(-rate * START) - np.exp(-rate * (START + LENGTH))) / (rate * LENGTH)
    np.testing.assert_allclose(measured * frame_decay_factors(START, LENGTH, half_life), 1.0, rtol=1e-12)
    image = dynamic()
    raw = DynamicImage(
        image.values * measured[:, None, None, None], GRID, image.quantity, START, LENGTH, "injection", RECORD
    )
    found = corrected_to_injection(raw, half_life_s=half_life, corrected_to_s=None)
    np.testing.assert_allclose(found.values, image.values, rtol=1e-12)
    same = corrected_to_injection(image, half_life_s=half_life, corrected_to_s=0.0)
    np.testing.assert_array_equal(same.values, image.values)


def test_corrected_to_injection__needs_times_from_the_injection():
    with pytest.raises(InputError, match="must count from the injection"):
        corrected_to_injection(dynamic(time_zero="scan start"), half_life_s=1.0, corrected_to_s=None)
