import numpy as np
import pytest
from kinetic_curves import (
    BLOOD,
    DURATION_S,
    END_S,
    START_S,
    blood_averages,
    curves,
    noisy,
    one_tissue,
    tissue,
    two_tissue,
)

from tumorboard.errors import InputError
from tumorboard.pet.kinetics import (
    FitFlag,
    FrameModel,
    FromTime,
    LargestResidual,
    LastFrames,
    Logan,
    PointWeights,
    Weighting,
)

ONE, TWO = one_tissue(0.3, 0.1), two_tissue(0.3, 0.15, 0.05, 0.03)
VT_ONE, VT_TWO = 3.0, 0.3 / 0.15 * (1.0 + 0.05 / 0.03)


def model(**changed):
    choices = {
        "t_star": LastFrames(10),
        "frame_model": FrameModel.FRAME_AVERAGE,
        "weighting": Weighting.DURATION,
        "point_weights": PointWeights.PROPAGATED,
        "blood_fraction": 0.0,
    }
    return Logan(**{**choices, **changed})


def vt(fit):
    return fit.parameters["VT"].value


@pytest.mark.parametrize("kind", PointWeights)
@pytest.mark.parametrize("frame_model", FrameModel)
def test_logan__recovers_one_compartment(kind, frame_model):
    (fit,) = model(point_weights=kind, frame_model=frame_model).fit(curves(tissue(ONE)), BLOOD)
    assert vt(fit) == pytest.approx(VT_ONE, rel=1e-3)
    assert fit.parameters["intercept"].value == pytest.approx(-10.0, rel=1e-2)


def test_logan__comes_to_two_compartments_volume_as_t_star_gets_later():
    found = [vt(model(t_star=LastFrames(n)).fit(curves(tissue(TWO)), BLOOD)[0]) for n in (20, 14, 8, 4)]
    errors = np.abs(np.array(found) / VT_TWO - 1.0)
    assert (np.diff(errors) < 0).all()
    assert errors[-1] < 0.02


def test_logan__takes_blood_off():
    measured = 0.95 * tissue(ONE) + 0.05 * blood_averages()
    (fit,) = model(blood_fraction=0.05).fit(curves(measured), BLOOD)
    assert vt(fit) == pytest.approx(VT_ONE, rel=1e-3)
    used = np.isfinite(fit.fitted_bq_ml)
    assert fit.fitted_bq_ml[used] == pytest.approx(measured[used], rel=1e-2)


def test_logan__scales_with_the_curve():
    values = noisy(tissue(TWO), 0.01, 1, 3)[0]
    one, two = model().fit(curves(np.stack([values, 2.5 * values])), BLOOD)
    assert vt(two) == pytest.approx(2.5 * vt(one), rel=1e-12)
    assert two.parameters["VT"].standard_error == pytest.approx(
        2.5 * one.parameters["VT"].standard_error, rel=1e-9
    )


def test_logan__errors_are_the_scatter():
    fits = model().fit(curves(noisy(tissue(ONE), 0.01, 400, 5)), BLOOD)
    scatter = np.std([vt(f) for f in fits], ddof=1)
    stated = np.sqrt(np.mean([f.parameters["VT"].standard_error ** 2 for f in fits]))
    assert stated == pytest.approx(scatter, rel=0.15)


def test_logan__plot_holds_the_line():
    (fit,) = model().fit(curves(tissue(ONE)), BLOOD)
    assert fit.plot.included.sum() == 10
    assert fit.plot.y[-1] == pytest.approx(fit.plot.slope * fit.plot.x[-1] + fit.plot.intercept, rel=1e-4)


def test_logan__starts_where_the_residual_allows():
    (fit,) = model(t_star=LargestResidual(0.02, 4)).fit(curves(tissue(TWO)), BLOOD)
    first = int(np.argmax(fit.plot.included))
    used = fit.plot.included
    line = fit.plot.slope * fit.plot.x[used] + fit.plot.intercept
    assert 0 < first < 35
    assert np.abs(fit.plot.y[used] / line - 1.0).max() <= 0.02
    (earlier,) = model(t_star=LastFrames(len(used) - first + 1)).fit(curves(tissue(TWO)), BLOOD)
    assert (
        np.abs(
            earlier.plot.y[used] / (earlier.plot.slope * earlier.plot.x[used] + earlier.plot.intercept) - 1.0
        ).max()
        > 0.015
    )
    (none,) = model(t_star=LargestResidual(1e-9, 5)).fit(curves(tissue(TWO)), BLOOD)
    assert FitFlag.EXTRAPOLATED in none.flags
    assert none.plot.included.sum() == 5


def test_logan__bad_input_is_an_error():
    good = tissue(ONE)
    with pytest.raises(InputError, match="must change over the frames"):
        model().fit(curves(np.full_like(good, 5.0)), BLOOD)
    with pytest.raises(InputError, match=r"concentrations > 0 .* frame 39 of '0' has -1 .* MA1"):
        model().fit(curves(np.append(good[:-1], -1.0)), BLOOD)
    with pytest.raises(InputError, match="leave at least 3 frames"):
        model(t_star=FromTime(5200.0)).fit(curves(good), BLOOD)
    with pytest.raises(InputError, match="blood must reach to the end"):
        model().fit(curves(good), BLOOD.delayed(-300.0))
    with pytest.raises(InputError, match="blood_fraction must be 0 to below 1; got 5"):
        model(blood_fraction=5.0)
    with pytest.raises(InputError, match="weights must be in the table"):
        model(weighting=Weighting.GIVEN).fit(curves(good), BLOOD)
    with pytest.raises(InputError, match="count of last frames must be 3 to 39"):
        model(t_star=LastFrames(40)).fit(curves(good), BLOOD)


def test_logan__frames_of_weight_0_do_not_count():
    values, weights = tissue(ONE), DURATION_S.copy()
    weights[-3] = 0.0
    spoilt = values.copy()
    spoilt[-3] *= 1.0 + 1e-9
    (fit,) = model(weighting=Weighting.GIVEN).fit(curves(spoilt, weights), BLOOD)
    assert fit.weights[-3] == 0.0
    assert not fit.plot.included[-3]
    assert np.isnan(fit.fitted_bq_ml[-3])


def test_logan__records_its_choices():
    (fit,) = model(t_star=LastFrames(30), point_weights=PointWeights.FRAME).fit(curves(tissue(ONE)), BLOOD)
    assert fit.provenance.parameters["t_star"] == {"rule": "LastFrames", "count": 30}
    assert fit.provenance.parameters["frame_model"] == "frame average"
    assert "logan1990graphical" in fit.provenance.citations()


def test_logan__a_scan_that_begins_late_is_an_error():
    start, end = START_S[20:], END_S[20:]
    late = curves(tissue(ONE)[20:], None, start, end)
    with pytest.raises(
        InputError, match=r"begin within 120 s of the injection .* begins at 600 s; use Patlak"
    ):
        model().fit(late, BLOOD)
