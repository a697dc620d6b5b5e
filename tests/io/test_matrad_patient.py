"""matRad's patients stand where matRad has them."""

import csv
from pathlib import Path

import numpy as np
import pytest
from scipy.io import savemat

from tumorboard.core.grid import AXIAL
from tumorboard.core.image import Quantity
from tumorboard.core.structures import StructureKind
from tumorboard.errors import GeometryError, InputError, MissingAttribute, UnreadableFile
from tumorboard.io.matrad_patient import read_matrad_patient

REFERENCE = Path(__file__).parents[2] / "validation/matrad/pyradplan_patients.csv"


def reference(patient):
    with REFERENCE.open(newline="") as file:
        return [row for row in csv.DictReader(file) if row["patient"] == patient]


@pytest.mark.parametrize("name", ["TG119", "BOXPHANTOM"])
def test_read_matrad_patient__is_where_and_what_pyradplan_reads(data_dir, name):
    patient = read_matrad_patient(data_dir / f"proton/matrad/{name}.mat")
    grid, values = patient.ct.grid, patient.ct.values
    masks = {s.name: s.mask.values for s in patient.structures.structures}
    masks |= {"HU > 200": values > 200, "HU = 0": values == 0}
    for row in reference(name):
        if row["what"] == "sum of HU":
            assert values.sum(dtype=np.float64) == pytest.approx(float(row["value"]), abs=1.0)
            continue
        place = [float(row[f"{axis}_mm"]) for axis in "xyz"]
        if row["what"] == "HU at (x, y, z)":
            index = grid.patient_to_index(place)
            np.testing.assert_allclose(index, np.rint(index), atol=1e-6)
            assert values[tuple(np.rint(index).astype(int))] == pytest.approx(float(row["value"]), abs=4e-5)
        else:
            mask = masks[row["what"]]
            assert int(mask.sum()) == int(row["value"])
            centre = grid.index_to_patient(np.argwhere(mask).mean(axis=0))
            np.testing.assert_allclose(centre, place, atol=1e-6)


def test_read_matrad_patient__reads_objectives_and_kinds(data_dir):
    patient = read_matrad_patient(data_dir / "proton/matrad/TG119.mat")
    assert patient.structures.names == ("Core", "OuterTarget", "BODY")
    assert patient.structures["Core"].kind is StructureKind.ORGAN
    assert patient.structures["OuterTarget"].kind is StructureKind.UNSTATED
    assert patient.structures["BODY"].colour_rgb == (170, 0, 255)
    assert patient.objectives[1] == {
        "structure": "OuterTarget",
        "structure_type": "TARGET",
        "priority": 1,
        "className": "DoseObjectives.matRad_SquaredDeviation",
        "parameters": 50,
        "penalty": 1000,
    }
    assert patient.ct.grid.frame_of_reference.startswith("1.2.840.113619.2.55.3.279721844.297")


def test_read_matrad_patient__makes_up_one_frame_of_reference_for_one_patient(data_dir):
    path = data_dir / "proton/matrad/BOXPHANTOM.mat"
    frames = {read_matrad_patient(path).ct.grid.frame_of_reference for _ in range(2)}
    assert len(frames) == 1
    assert frames.pop().startswith("2.25.")


SHAPE = (2, 3, 4)  # y, x, z


def small(**changes):
    """A patient of 2 x 3 x 4 voxels along y, x, z whose CT numbers are its voxels' numbers in MATLAB."""
    ct = {
        "cubeHU": np.arange(1.0, 25.0).reshape(SHAPE, order="F"),
        "resolution": {"x": 1.5, "y": 2.0, "z": 3.0},
        "x": [10.0, 11.5, 13.0],
        "y": [-4.0, -2.0],
        "z": [0.0, 3.0, 6.0, 9.0],
    }
    cst = np.empty((2, 6), dtype=object)
    objective = {"className": "DoseObjectives.matRad_MeanDose", "parameters": 3.0, "penalty": 1.0}
    cst[0] = [0, "one", "OAR", np.array([[1], [24]]), {"Priority": 1}, objective]
    cst[1] = [1, "two", "TARGET", np.array([[8]]), {"Priority": 1}, np.empty((0, 0))]
    ct |= changes.pop("ct", {})
    return {"ct": {k: v for k, v in ct.items() if v is not None}, "cst": cst} | changes


@pytest.fixture
def read(tmp_path):
    def save_and_read(variables):
        savemat(tmp_path / "patient.mat", variables)
        return read_matrad_patient(tmp_path / "patient.mat")

    return save_and_read


def test_read_matrad_patient__counts_voxels_as_matlab_does(read):
    patient = read(small())
    assert patient.ct.quantity is Quantity.CT_NUMBER
    assert patient.ct.values.shape == (4, 2, 3)
    np.testing.assert_array_equal(patient.ct.grid.direction, AXIAL)
    np.testing.assert_array_equal(patient.ct.grid.origin_mm, [10, -4, 0])
    np.testing.assert_array_equal(patient.ct.grid.spacing_mm, [3, 2, 1.5])
    # Voxel number = CT number: the masks hold the numbers that they list.
    numbers = {s.name: patient.ct.values[s.mask.values].tolist() for s in patient.structures.structures}
    assert numbers == {"one": [1.0, 24.0], "two": [8.0]}
    assert patient.objectives == [
        {
            "structure": "one",
            "structure_type": "OAR",
            "priority": 1,
            "className": "DoseObjectives.matRad_MeanDose",
            "parameters": 3,
            "penalty": 1,
        }
    ]


def test_read_matrad_patient__centres_a_file_without_coordinates_and_says_so(read):
    patient = read(small(ct={"x": None, "y": None, "z": None}))
    np.testing.assert_allclose(patient.ct.grid.origin_mm, [-2.25, -2.0, -6.0])
    assert sum("centred" in note for note in patient.ct.provenance.parameters["notes"]) == 3


def test_read_matrad_patient__lists_structures_without_voxels(read):
    variables = small()
    variables["cst"][1, 3] = np.empty((0, 1))
    patient = read(variables)
    assert patient.structures.empty_names == ("two",)
    assert patient.structures.names == ("one",)


def spoiled_row(column, value):
    variables = small()
    variables["cst"][0, column] = value
    return variables


@pytest.mark.parametrize(
    ("variables", "error", "says"),
    [
        ({"ct": 1}, MissingAttribute, "cst is absent"),
        (small(ct={"cubeHU": None}), MissingAttribute, "cubeHU"),
        (small(ct={"cubeHU": np.full(SHAPE, np.nan)}), UnreadableFile, "finite"),
        (small(ct={"cubeHU": np.zeros((3, 4))}), UnreadableFile, "volume of numbers"),
        (small(ct={"cubeHU": "text"}), UnreadableFile, "volume of numbers"),
        (small(ct={"resolution": {"x": 1.5, "y": 2.0}}), MissingAttribute, "'z'"),
        (small(ct={"resolution": {"x": 0.0, "y": 2.0, "z": 3.0}}), GeometryError, "resolution"),
        (small(ct={"x": [10.0, 11.5, 14.0]}), GeometryError, r"ct\.x must be 3 positions 1\.5 mm apart"),
        (small(ct={"z": [9.0, 6.0, 3.0, 0.0]}), GeometryError, "ascending"),
        (small(ct={"y": [0.0]}), GeometryError, r"ct\.y"),
        (small(cst=np.array([[1, 2]])), UnreadableFile, "cell array"),
        (spoiled_row(3, np.array([0])), InputError, "'one' must be 1 to 24; got 0 to 0"),
        (spoiled_row(3, np.array([25])), InputError, "another CT"),
        (spoiled_row(3, "text"), UnreadableFile, "whole numbers"),
    ],
)
def test_read_matrad_patient__says_what_is_wrong(read, variables, error, says):
    with pytest.raises(error, match=says) as caught:
        read(variables)
    assert "\n" not in str(caught.value)


def test_read_matrad_patient__refuses_several_scenarios(read):
    cubes = np.empty(2, dtype=object)
    cubes[:] = [np.zeros(SHAPE), np.zeros(SHAPE)]
    with pytest.raises(InputError, match="one scenario; got 2"):
        read(small(ct={"cubeHU": cubes}))
