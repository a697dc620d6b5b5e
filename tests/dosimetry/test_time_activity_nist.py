"""Three exponentials of the NIST Statistical Reference Datasets: validation/time_activity."""

import csv
from pathlib import Path

import numpy as np

from tumorboard.dosimetry.time_activity_models import ExponentialConfig, ExponentialModel, Weighting
from tumorboard.dosimetry.time_activity_samples import ActivitySamples
from tumorboard.dosimetry.time_activity_shapes import CurveShape
from tumorboard.provenance import Record

FOLDER = Path(__file__).resolve().parents[2] / "validation" / "time_activity"


def rows(name):
    with (FOLDER / name).open(encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_fit__gives_the_certified_values_and_standard_deviations():
    data, certified = rows("nist_lanczos3.csv"), rows("nist_lanczos3_certified.csv")
    samples = ActivitySamples(
        [float(r["x"]) for r in data], [float(r["y"]) for r in data], Record("validation")
    )
    fit = ExponentialModel(ExponentialConfig(CurveShape.TRI_EXPONENTIAL, np.inf, Weighting.EQUAL)).fit(
        samples
    )
    assert fit.config.shape.parameter_names == tuple(r["parameter"] for r in certified)
    np.testing.assert_allclose(fit.parameters, [float(r["value"]) for r in certified], rtol=1e-6)
    errors = np.sqrt(np.diag(fit.covariance))
    np.testing.assert_allclose(errors, [float(r["standard_deviation"]) for r in certified], rtol=1e-6)
