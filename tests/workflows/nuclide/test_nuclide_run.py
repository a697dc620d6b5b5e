import json

import pytest

from tumorboard.errors import InputError
from tumorboard.physics.decay import DecayLibrary
from tumorboard.workflows.nuclide.config import LIBRARIES, NuclideConfig
from tumorboard.workflows.nuclide.run import run

MEDICAL = (
    "F-18 Ga-68 Cu-64 Zr-89 I-124 Tc-99m In-111 Lu-177 I-131 Y-90 Tb-161 Sm-153 Ho-166 Re-188 Ra-223 Ac-225 "
    "Pb-212 Bi-213 Th-227"
).split()


def test_libraries__are_those_of_physics():
    assert [library.value for library in DecayLibrary] == [*LIBRARIES]


@pytest.mark.parametrize("library", LIBRARIES)
@pytest.mark.parametrize("name", MEDICAL)
def test_run__says_all_of_the_clinic(name, library):
    found = run(NuclideConfig(name, library)).to_dict()
    json.dumps(found, allow_nan=False)
    assert (found["nuclide"], found["library"], found["chain"][0]["nuclide"]) == (name, library, name)
    assert 0 < found["half_life_uncertainty_s"] < 0.05 * found["half_life_s"]
    assert {"kind", "energy_mev", "yield_per_decay"} <= found["emissions"][0].keys()
    energy = sum(e["energy_mev"] * e["yield_per_decay"] for e in found["emissions"])
    assert energy == pytest.approx(sum(found["mean_energy_mev"].values()))
    assert [other["library"] for other in found["other_libraries"]] == [n for n in LIBRARIES if n != library]
    assert found["chain"][-1]["half_life_s"] is None or found["chain"][-1]["half_life_s"] > 1e16


def test_run__of_stable_and_fission_products():
    found = run(NuclideConfig("Hf-177", "ENDF/B-VIII.1")).to_dict()
    assert (found["half_life_s"], found["emissions"], len(found["chain"])) == (None, [], 1)
    found = run(NuclideConfig("Br-87", "endf/b-viii.1")).to_dict()
    assert {"beta_minus", "neutron"} <= {e["kind"] for e in found["emissions"]}
    json.dumps(found, allow_nan=False)


@pytest.mark.parametrize(
    ("name", "library"), [("Lu", LIBRARIES[0]), ("Lu-177", "ICRP-107"), ("Lu-99", LIBRARIES[0])]
)
def test_run__refuses_what_it_does_not_know(name, library):
    with pytest.raises(InputError):
        run(NuclideConfig(name, library))
