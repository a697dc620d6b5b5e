import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.core.beam_geometry import BeamGeometry
from tumorboard.core.patient_position import PatientPosition
from tumorboard.core.plan import EnergyLayer, IonBeam, IonPlan
from tumorboard.errors import InputError
from tumorboard.io.plan_encoding import plan_from_json, plan_to_json
from tumorboard.provenance import Record

numbers = st.floats(-1e6, 1e6)
positive = st.floats(1e-300, 1e300)


@st.composite
def plans(draw):
    spots = draw(st.lists(st.tuples(numbers, numbers, st.floats(0, 1e9)), max_size=4))
    table = np.array(spots).reshape(-1, 3)
    size = draw(st.one_of(st.none(), st.tuples(positive, positive)))
    layer = EnergyLayer(draw(positive), table[:, :2], table[:, 2], size)
    shifter = draw(st.sampled_from([None, "RS1"]))
    beam = IonBeam(
        draw(st.text(min_size=1)),
        BeamGeometry(
            draw(numbers),
            draw(numbers),
            [draw(numbers) for _ in range(3)],
            draw(numbers),
            draw(st.sampled_from(PatientPosition)),
        ),
        (layer,) * draw(st.integers(0, 2)),
        shifter,
        draw(numbers) if shifter else None,
        draw(st.one_of(st.none(), numbers)),
        draw(st.one_of(st.none(), positive)),
        draw(st.one_of(st.none(), st.tuples(positive, positive))),
    )
    record = Record("test", {"facts": [1, 2.5, "x"]}, (Record("input"),), ("dicomPS33",))
    frame = draw(st.sampled_from([None, "1.2.3"]))
    return IonPlan(draw(st.text()), draw(st.text()), (beam,), draw(st.integers(1, 99)), record, frame)


@given(plan=plans())
def test_plan_from_json__gives_back_every_number_exactly(plan):
    back = plan_from_json(json.loads(json.dumps(plan_to_json(plan))))
    assert back.provenance == plan.provenance
    for name in ("label", "machine", "n_fractions", "frame_of_reference"):
        assert getattr(back, name) == getattr(plan, name)
    for got, beam in zip(back.beams, plan.beams, strict=True):
        for name in IonBeam.__slots__:
            if name not in ("geometry", "layers"):
                assert getattr(got, name) == getattr(beam, name)
        for name in BeamGeometry.__slots__:
            np.testing.assert_array_equal(getattr(got.geometry, name), getattr(beam.geometry, name))
        for mine, layer in zip(got.layers, beam.layers, strict=True):
            assert mine.nominal_energy_mev == layer.nominal_energy_mev
            assert mine.spot_fwhm_mm == layer.spot_fwhm_mm
            np.testing.assert_array_equal(mine.positions_mm, layer.positions_mm)
            np.testing.assert_array_equal(mine.monitor_units, layer.monitor_units)


@pytest.mark.parametrize("version", [None, 0, 2, "1"])
def test_plan_from_json__refuses_other_layouts(version):
    layer = EnergyLayer(150.0, [[0.0, 0.1]], [1.5])
    beam = IonBeam("left", BeamGeometry(90.0, 0.0, (0.0, 0.0, 0.0)), (layer,))
    body = plan_to_json(IonPlan("x", "y", (beam,), 1, Record("test"))) | {"version": version}
    with pytest.raises(InputError, match="version"):
        plan_from_json(body)
