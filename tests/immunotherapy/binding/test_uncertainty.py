import numpy as np
import pytest

from tumorboard.errors import InputError
from tumorboard.immunotherapy.binding.uncertainty import SpreadCalibration


def test_sigma__grows_with_spread_and_with_distance():
    calibration = SpreadCalibration(0.5, 2.0, 0.1)
    sigma = calibration.sigma(np.array([[0.0, 0.0], [0.3, 0.3]]), np.array([0, 4]))
    assert sigma[0].tolist() == pytest.approx([0.5, np.hypot(0.5, 0.2)])
    assert (np.diff(sigma, axis=0) > 0).all()
    assert (np.diff(sigma, axis=1) > 0).all()


@pytest.mark.parametrize("values", [(0.0, 1.0, 0.0), (1.0, 0.0, 0.0), (1.0, 1.0, -0.1)])
def test_calibration__refuses_values_out_of_range(values):
    with pytest.raises(InputError, match="floor and factor"):
        SpreadCalibration(*values)
