"""The stylised adult: masses, symmetry, materials."""

import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.phantoms.stylised_adult import stylised_adult
from tumorboard.phantoms.stylised_adult_regions import (
    BODY_CONTENTS,
    MARROW_SHARES,
    SKELETON,
    BodyRegion,
    BodyTissue,
)


@pytest.fixture(scope="module")
def fine():
    return stylised_adult(spacing_mm=2.0)


@pytest.fixture(scope="module")
def usual():
    return stylised_adult(spacing_mm=3.5)


#: Solids whose volume has a formula [mL].
BALLS = 4.0 / 3.0 * np.pi
ANALYTIC_ML = {
    BodyRegion.BRAIN: BALLS * 6.6 * 8.6 * 5.72,
    BodyRegion.SPLEEN: BALLS * 3.5 * 2.0 * 6.0,
    BodyRegion.BLADDER_CONTENTS: BALLS * 4.706 * 3.206 * 3.206,
    BodyRegion.BLADDER_WALL: BALLS * (4.958 * 3.458**2 - 4.706 * 3.206**2),
    BodyRegion.STOMACH_CONTENTS: BALLS * 3.387 * 2.387 * 7.387,
    BodyRegion.TESTES: 2 * BALLS * 1.3 * 1.5 * 2.3,
    BodyRegion.ADRENALS: BALLS * 1.5 * 0.5 * 5.0,
    BodyRegion.THYMUS: BALLS * 1.5 * 0.8 * 4.0,
}


@pytest.mark.parametrize("region", ANALYTIC_ML)
def test_stylised_adult__voxels_have_the_volume_of_the_solid(fine, region):
    expected = ANALYTIC_ML[region] * region.tissue.value
    assert fine.masses_g[region] == pytest.approx(expected, rel=0.03)


PUBLISHED = [r for r in BodyRegion if r.published_g is not None]


@pytest.mark.parametrize("region", PUBLISHED, ids=lambda r: r.region)
def test_stylised_adult__masses_are_the_published_ones(fine, usual, region):
    # 2 mm resolves all but the smallest; 3.5 mm is what S-values are calculated in.
    assert fine.masses_g[region] == pytest.approx(region.published_g, rel=0.05)
    assert usual.masses_g[region] == pytest.approx(region.published_g, rel=0.09)


def test_stylised_adult__whole_body_has_the_published_mass(usual):
    # 73.7 kg in OLINDA; the skeleton of the Oak Ridge adult is 10 kg.
    assert sum(usual.masses_g.values()) == pytest.approx(73700.0, rel=0.01)
    assert sum(usual.masses_g[r] for r in SKELETON) == pytest.approx(10000.0, rel=0.1)


def test_stylised_adult__paired_organs_are_symmetric(usual):
    for region in (BodyRegion.KIDNEYS, BodyRegion.TESTES, BodyRegion.UPPER_LEG_BONES, BodyRegion.BREASTS):
        mask = usual.mask([region])
        assert np.array_equal(mask, mask[:, :, ::-1])


def test_stylised_adult__sides_are_those_of_a_patient(usual):
    def middle(region):
        return usual.grid.index_to_patient(np.argwhere(usual.mask([region])).mean(axis=0))

    assert middle(BodyRegion.SPLEEN)[0] > 0 > middle(BodyRegion.LIVER)[0]
    assert middle(BodyRegion.BRAIN)[2] > middle(BodyRegion.HEART_WALL)[2] > middle(BodyRegion.BLADDER_WALL)[2]
    assert middle(BodyRegion.KIDNEYS)[1] > 0 > middle(BodyRegion.BLADDER_CONTENTS)[1]


def test_medium__has_the_densities_of_the_tissues(usual):
    medium = usual.medium()
    for tissue in BodyTissue:
        regions = [r for r in BodyRegion if r.tissue is tissue]
        inside = usual.mask(regions)
        assert np.allclose(medium.density_g_cm3[inside], tissue.value)
        assert medium.materials[int(medium.material_index[inside][0])].name == tissue.material.name
    assert (medium.density_g_cm3[usual.labels == 0] == 0).all()
    assert medium.mass_g.sum() == pytest.approx(sum(usual.masses_g.values()))


def test_body_region__numbers_and_names_are_unique():
    assert len({r.number for r in BodyRegion}) == len({r.region for r in BodyRegion}) == len(BodyRegion)
    assert sum(MARROW_SHARES.values()) == pytest.approx(1.0, abs=0.001)
    assert set(MARROW_SHARES) <= set(SKELETON)
    assert not set(BODY_CONTENTS) & set(SKELETON)


@pytest.mark.parametrize("spacing_mm", [0.0, 1e-4, -1.0, 10.5, float("nan")])
def test_stylised_adult__refuses_spacings_out_of_range(spacing_mm):
    with pytest.raises(InputError, match="spacing_mm must be 1 to 10"):
        stylised_adult(spacing_mm=spacing_mm)
