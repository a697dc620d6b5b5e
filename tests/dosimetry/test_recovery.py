import math

import numpy as np
import pytest
from scipy import ndimage
from scipy.integrate import quad

from tumorboard.dosimetry.recovery import sphere_recovery
from tumorboard.errors import InputError

FWHM_MM = math.sqrt(8 * math.log(2))  # sigma is 1 mm


def of_radius(a):
    return sphere_recovery(volume_ml=4 / 3 * math.pi * a**3 * 1e-3, fwhm_mm=FWHM_MM)


@pytest.mark.parametrize("a", [0.01, 0.0499, 0.0501, 0.3, 1.0, 3.0, 10.0, 40.0])
def test_sphere_recovery__closed_forms_are_the_integrals(a):
    def centre(u):
        return math.sqrt(2 / math.pi) * u**2 * math.exp(-(u**2) / 2)

    def mean(u):
        return (1 - 0.75 * u / a + u**3 / (16 * a**3)) * centre(u)

    found = of_radius(a)
    assert found.centre == pytest.approx(quad(centre, 0, min(a, 12.0))[0], rel=1e-5)
    assert found.mean == pytest.approx(quad(mean, 0, min(2 * a, 12.0))[0], rel=1e-5)


def test_sphere_recovery__is_what_a_blurred_voxel_phantom_shows():
    radius_mm, fwhm_mm, voxel_mm = 10.0, 12.0, 0.8
    axis = (np.arange(100) - 49.5) * voxel_mm
    z, y, x = np.meshgrid(axis, axis, axis, indexing="ij")
    inside = z**2 + y**2 + x**2 <= radius_mm**2
    blurred = ndimage.gaussian_filter(inside.astype(float), fwhm_mm / FWHM_MM / voxel_mm, truncate=5)
    volume_ml = inside.sum() * voxel_mm**3 / 1e3
    found = sphere_recovery(volume_ml=volume_ml, fwhm_mm=fwhm_mm)
    assert found.mean == pytest.approx(blurred[inside].mean(), rel=0.005)
    assert found.centre == pytest.approx(blurred[49:51, 49:51, 49:51].mean(), rel=0.005)


def test_sphere_recovery__grows_with_the_sphere_from_none_to_all():
    means = [of_radius(a).mean for a in np.geomspace(1e-3, 1e3, 200)]
    assert (np.diff(means) > 0).all()
    assert (means[0] < 1e-8, means[-1] > 0.998) == (True, True)


@pytest.mark.parametrize(
    ("volume_ml", "fwhm_mm"), [(0.0, 12.0), (4.0, -1.0), (math.nan, 12.0), (4.0, math.inf)]
)
def test_sphere_recovery__refuses_what_is_no_sphere_or_no_blur(volume_ml, fwhm_mm):
    with pytest.raises(InputError):
        sphere_recovery(volume_ml=volume_ml, fwhm_mm=fwhm_mm)
