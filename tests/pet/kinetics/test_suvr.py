import numpy as np
import pytest
from kinetic_curves import END_S, START_S, curves, noisy, one_tissue, tissue

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import SUVR

REFERENCE = curves(tissue(one_tissue(0.3, 0.1)))
TARGET = tissue(one_tissue(0.36, 0.048))
WINDOW = SUVR(start_s=float(START_S[-4]), end_s=float(END_S[-1]))


def test_suvr__is_the_ratio_of_time_averages():
    (fit,) = WINDOW.fit(curves(TARGET), REFERENCE)
    expected = TARGET[-4:].mean() / REFERENCE.concentration_bq_ml[0, -4:].mean()
    assert fit.parameters["SUVR"].value == pytest.approx(expected, rel=1e-12)
    assert np.isfinite(fit.fitted_bq_ml).sum() == 4


def test_suvr__of_the_reference_is_1():
    (fit,) = WINDOW.fit(REFERENCE, REFERENCE)
    assert fit.parameters["SUVR"].value == 1.0
    assert fit.parameters["SUVR"].standard_error == 0.0


def test_suvr__errors_are_the_scatter():
    reference = curves(tissue(one_tissue(0.3, 0.1)))
    fits = WINDOW.fit(curves(noisy(2.0 * reference.concentration_bq_ml[0], 0.02, 400, 8)), reference)
    scatter = np.std([f.parameters["SUVR"].value for f in fits], ddof=1)
    stated = np.sqrt(np.mean([f.parameters["SUVR"].standard_error ** 2 for f in fits]))
    assert stated == pytest.approx(scatter, rel=0.15)


def test_suvr__one_frame_leaves_the_error_unknown():
    (fit,) = SUVR(start_s=float(START_S[-1]), end_s=float(END_S[-1])).fit(curves(TARGET), REFERENCE)
    assert np.isnan(fit.parameters["SUVR"].standard_error)


def test_suvr__windows_that_cut_frames_are_an_error():
    with pytest.raises(InputError, match="cuts frame 38 from 4800 to 5100 s"):
        SUVR(start_s=4900.0, end_s=5400.0).fit(curves(TARGET), REFERENCE)
    with pytest.raises(InputError, match="holds none"):
        SUVR(start_s=9000.0, end_s=9300.0).fit(curves(TARGET), REFERENCE)
    with pytest.raises(InputError, match="window must be"):
        SUVR(start_s=60.0, end_s=60.0)
    with pytest.raises(InputError, match="mean > 0"):
        WINDOW.fit(curves(TARGET), curves(-TARGET))
