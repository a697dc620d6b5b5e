import json
from pathlib import Path

import numpy as np
import pytest

from tumorboard.dosimetry.close_contact import contact_dose_msv, restriction
from tumorboard.dosimetry.contact_patterns_adapted import ADAPTED_PATTERNS
from tumorboard.dosimetry.dose_rate_clearance import DoseRateClearance
from tumorboard.errors import InputError

PEER = json.loads(
    (Path(__file__).resolve().parents[2] / "validation/close_contact/glowgreen.json").read_text("utf-8")
)
PATIENTS = {
    "biexp": DoseRateClearance(60 * 2**1.5 * np.array([0.3, 0.7]), np.array([8.0, 30.0]), np.zeros((4, 4))),
    "mono": DoseRateClearance(np.array([35.0]), np.array([55.0]), np.zeros((2, 2))),
}
PAIRS = list(zip(ADAPTED_PATTERNS, PEER, strict=True))


@pytest.mark.parametrize(("name", "peer"), PAIRS)
def test_patterns__are_those_of_glowgreen(name, peer):
    ours = ADAPTED_PATTERNS[name]
    assert ours.pattern.repetition.value == peer["repetition"]
    for what in ("starts_h", "durations_h", "distances_m"):
        assert getattr(ours.pattern, what) == pytest.approx(np.array(peer[what]), abs=1e-12)
    assert (ours.limit_msv, ours.by_treatment) == (peer["limit_msv"], peer["by_treatment"])


@pytest.mark.parametrize(("name", "peer"), PAIRS)
def test_restrictions__are_those_of_glowgreen(name, peer):
    ours = ADAPTED_PATTERNS[name]
    for row, values in enumerate(peer["restrictions"]):
        patient, treatments, at_h, limit_msv, restricted_h, dose_msv = values
        how = {"administered_at_h": at_h, "distance_exponent": 1.5}
        assert ours.limit_of_treatment_msv(treatments) == limit_msv
        dose, _ = contact_dose_msv(ours.pattern, PATIENTS[patient], restricted_h=restricted_h, **how)
        assert dose == pytest.approx(dose_msv, rel=1e-12)
        if row % 5:  # all 18 take a second
            continue
        found = restriction(ours.pattern, PATIENTS[patient], limit_msv=limit_msv, confidence=0.5, **how)
        if ours.pattern.durations_h.max() > 1.0 and ours.pattern.repetition.value == "daily":
            # It divides long spells into hours and ends a restriction where one of them begins.
            assert found.duration_h - 1e-6 <= restricted_h <= found.resumes_h + 1e-6
        else:
            assert found.resumes_h == pytest.approx(restricted_h, abs=1e-6)


def test_limit__is_for_one_treatment_at_least():
    with pytest.raises(InputError, match="treatments_in_year"):
        ADAPTED_PATTERNS["infant"].limit_of_treatment_msv(0)
