import json

import kinetic_data as kinetic
import numpy as np
import pytest

from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.blood_table import (
    BloodColumns,
    JoinRule,
    read_bids_blood,
    read_blood_csv,
    write_bids_blood,
)
from tumorboard.io.curve_units import ActivityUnit, DurationUnit, activity_unit
from tumorboard.io.pmod import BloodKind, read_pmod_blood, read_pmod_tissue
from tumorboard.io.tissue_table import (
    TissueColumns,
    read_tissue_csv,
    read_tissue_table,
    write_tissue_table,
)
from tumorboard.provenance import Record

RECORD = Record("test")


def put(folder, name, text):
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "factor"),
    [
        ("Bq/mL", 1.0), ("BQML", 1.0), ("kBq/cc", 1e3), ("kBq/ml", 1e3), ("kBq*mL-1", 1e3), ("MBq/mL", 1e6),
        ("nCi/cc", 37.0), ("uCi/mL", 37e3), ("µCi/ml", 37e3),
    ],
)  # fmt: skip
def test_activity_unit__knows_what_files_write(text, factor):
    assert activity_unit(text, where="x").value == pytest.approx(factor, rel=1e-12)


@pytest.mark.parametrize("text", ["", "Bq", "SUV", "kcps", "mBq per mL"])
def test_activity_unit__guesses_nothing(text):
    with pytest.raises(InputError, match="unit of concentration of x must be Bq/mL"):
        activity_unit(text, where="x")


def columns(scan):
    return TissueColumns(
        "StartTime",
        "Duration",
        kinetic.REGIONS,
        "Weights",
        DurationUnit.SECOND,
        ActivityUnit.KBQ_ML,
        {"PET": scan},
    )


def test_read_tissue_csv__reads_real_scans(data_dir):
    for scan in kinetic.pbr28_scans(data_dir)[::6]:
        found = read_tissue_csv(data_dir / "kinetics" / "pbr28_tacs.csv", columns(scan))
        expected = kinetic.pbr28_curves(data_dir, scan)
        np.testing.assert_array_equal(found.concentration_bq_ml, expected.concentration_bq_ml)
        np.testing.assert_array_equal(found.frame_start_s, expected.frame_start_s)
        np.testing.assert_array_equal(found.weights, expected.weights)
        assert found.provenance.parameters["rows_without_duration_left_out"] == 1


def test_read_tissue_csv__reads_minutes(data_dir):
    scan = kinetic.simref_scans(data_dir)[0]
    found = read_tissue_csv(
        data_dir / "kinetics" / "simref_tacs.csv",
        TissueColumns(
            "StartTime", "Duration", kinetic.SIMREF_REGIONS, "Weights", DurationUnit.MINUTE,
            ActivityUnit.KBQ_ML, {"PET": scan},
        ),
    )  # fmt: skip
    np.testing.assert_allclose(found.mid_s, kinetic.simref_curves(data_dir, scan).mid_s, rtol=1e-12)


def test_read_blood_csv__reads_real_samples(data_dir):
    scan = kinetic.pbr28_scans(data_dir)[3]
    layout = BloodColumns(
        "Time", "Cbl_dispcorr", "Cpl_metabcorr", None, DurationUnit.SECOND, ActivityUnit.KBQ_ML, {"PET": scan}
    )
    found = read_blood_csv(data_dir / "kinetics" / "pbr28_procblood.csv", layout)
    expected = kinetic.pbr28_samples(data_dir, scan)
    np.testing.assert_array_equal(found.plasma.values, expected.plasma.values)
    np.testing.assert_array_equal(found.whole_blood.times_s, expected.whole_blood.times_s)
    minutes = BloodColumns(
        "Time", "Blood", "AIF", None, DurationUnit.MINUTE, ActivityUnit.KBQ_ML, {"PET": scan}
    )
    packed = read_blood_csv(data_dir / "kinetics" / "pbr28_input.csv.gz", minutes)
    assert packed.plasma.times_s[-1] == pytest.approx(expected.plasma.times_s[-1])


def test_write_tissue_table__is_read_back_exactly(tmp_path, data_dir):
    curves = kinetic.pbr28_curves(data_dir, kinetic.pbr28_scans(data_dir)[0])
    write_tissue_table(curves, tmp_path / "sub-01_desc-preproc_tacs.tsv")
    found = read_tissue_table(tmp_path / "sub-01_desc-preproc_tacs.tsv")
    assert found.regions == curves.regions
    np.testing.assert_array_equal(found.concentration_bq_ml, curves.concentration_bq_ml)
    np.testing.assert_array_equal(found.weights, curves.weights)
    np.testing.assert_allclose(found.frame_duration_s, curves.frame_duration_s, rtol=1e-12)


def test_read_tissue_table__reads_petprep_and_petpal(tmp_path):
    petprep = put(
        tmp_path, "a_tacs.tsv", "frame_start\tframe_end\tLeft-Thalamus\n0\t60\t5000\n60\t120\t7000\n"
    )
    put(tmp_path, "a_tacs.json", json.dumps({"FrameTimesStart": [0, 60], "Units": "BQML"}))
    petpal = put(
        tmp_path, "b_tacs.tsv", "frame_start(min)\tframe_end(min)\tThal\tThal_unc\n0\t1\t5\t1\n1\t2\t7\t1\n"
    )
    one, two = read_tissue_table(petprep), read_tissue_table(petpal, concentration_unit=ActivityUnit.KBQ_ML)
    np.testing.assert_array_equal(one.concentration_bq_ml, two.concentration_bq_ml)
    np.testing.assert_array_equal(one.frame_duration_s, two.frame_duration_s)
    assert two.regions == ("Thal",)


@pytest.mark.parametrize(
    ("text", "sidecar", "told", "error", "message"),
    [
        (
            "frame_start\tframe_end\tA\n0\t1\t2\n", None, {},
            MissingAttribute, "unit of time of x_tacs.tsv must be given",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA\n0\t1\t2\n", None, {},
            MissingAttribute, "unit of concentration of x_tacs.tsv must be given",
        ),
        (
            "frame_start[s]\tframe_end[min]\tA\n0\t1\t2\n", None, {},
            InputError, "must have one unit of time and one of concentration",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA[Bq/mL]\n0\t1\t2\n", None, {"time_unit": DurationUnit.MINUTE},
            InputError, "unit of time of x_tacs.tsv must be SECOND as the file says; got MINUTE",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA\n0\t1\t2\n", {"Units": "SUV"}, {},
            InputError, "unit of concentration of sidecar of x_tacs.tsv must be Bq/mL",
        ),
        (
            "time[s]\tA[Bq/mL]\n0\t1\n", None, {},
            MissingAttribute, "must have columns frame_start and frame_end",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA[Bq/mL]\n5\t9\t2\n0\t5\t2\n", None, {},
            InputError, "frames must be in order of time",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA[Bq/mL]\n0\t5\tx\n", None, {},
            InputError, "A.* in row 1 of x_tacs.tsv must be a finite number; got 'x'",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA[Bq/mL]\n0\t5\n", None, {},
            UnreadableFile, "row 1 of x_tacs.tsv must have 3",
        ),
        (
            "frame_start[s]\tframe_end[s]\tA[Bq/mL]\tweights\n0\t5\t1\t-1\n", None, {},
            InputError, "weights must be finite and >= 0",
        ),
    ],
)  # fmt: skip
def test_read_tissue_table__bad_tables_are_one_sentence(tmp_path, text, sidecar, told, error, message):
    path = put(tmp_path, "x_tacs.tsv", text)
    if sidecar is not None:
        put(tmp_path, "x_tacs.json", json.dumps(sidecar))
    with pytest.raises(error, match=message) as caught:
        read_tissue_table(path, **told)
    assert "\n" not in str(caught.value)


def test_read_tissue_table__leaves_labels_and_middles_out_but_no_unmeasured_region(tmp_path):
    text = "PET,frame,Times,StartTime,Duration,WB\none,F1,30,0,60,5\none,F2,90,60,60,7\n"
    path = put(tmp_path, "a.csv", text)
    units = {"time_unit": DurationUnit.SECOND, "concentration_unit": ActivityUnit.BQ_ML}
    assert read_tissue_table(path, **units).regions == ("WB",)
    text = text.replace("WB", "WB,FC").replace(",5\n", ",5,n/a\n").replace(",7\n", ",7,n/a\n")
    with pytest.raises(InputError, match=r"FC of b\.csv must be a number in each row"):
        read_tissue_table(put(tmp_path, "b.csv", text), **units)


def test_read_tissue_table__rows_of_several_scans_are_told_apart(tmp_path):
    text = "PET,StartTime,Duration,WB\none,0,60,5\none,60,60,7\ntwo,0,60,1\n"
    path = put(tmp_path, "a.csv", text)
    units = {"time_unit": DurationUnit.SECOND, "concentration_unit": ActivityUnit.BQ_ML}
    with pytest.raises(InputError, match=r"column 'PET' holds 2, one, two; pass where=\{'PET': 'one'\}"):
        read_tissue_table(path, **units)
    assert read_tissue_table(path, **units, where={"PET": "two"}).of("WB").tolist() == [1.0]


def test_write_tissue_table__refuses_names_that_would_be_read_as_something_else(tmp_path):
    for region in ("weights", "a\tb", "x [kBq/mL]", "A_unc"):
        curves = TissueCurves((region,), [0.0], [1.0], [[1.0]], None, RECORD)
        with pytest.raises(InputError, match="region must not have the name or form of another column"):
            write_tissue_table(curves, tmp_path / "a_tacs.tsv")
    assert not list(tmp_path.iterdir())


def blood():
    return BloodSamples(
        BloodCurve([0.0, 5.5, 60.0], [0.0, 4e3, 2e3]),
        BloodCurve([0.0, 60.0, 3600.0], [0.0, 2.4e3, 0.1]),
        BloodCurve([60.0, 3600.0], [0.9, 0.2]),
        RECORD,
    )


def test_write_bids_blood__is_read_back_exactly(tmp_path):
    path = tmp_path / "sub-01_recording-manual_blood.tsv"
    write_bids_blood(blood(), path, dispersion_corrected=True)
    found = read_bids_blood([path], injection_start_s=0.0, join=JoinRule.REFUSE)
    for name in ("whole_blood", "plasma", "parent_fraction"):
        one, other = getattr(found, name), getattr(blood(), name)
        np.testing.assert_array_equal(one.times_s, other.times_s)
        np.testing.assert_array_equal(one.values, other.values)
    assert found.provenance.parameters["files"][0]["dispersion_corrected"] is True
    sidecar = json.loads(path.with_suffix(".json").read_text())
    assert sidecar["MetaboliteAvail"] is True
    assert sidecar["time"]["Units"] == "s"


def test_read_bids_blood__joins_an_autosampler_and_later_samples(tmp_path):
    auto = put(
        tmp_path,
        "a_recording-autosampler_blood.tsv",
        "time\twhole_blood_radioactivity\n0\t0\n10\t90\n20\t50\n",
    )
    put(tmp_path, "a_recording-autosampler_blood.json",
        json.dumps({"time": {"Units": "s"}, "whole_blood_radioactivity": {"Units": "kBq/mL"}}))  # fmt: skip
    manual = put(
        tmp_path, "a_recording-manual_blood.tsv",
        "time\twhole_blood_radioactivity\tplasma_radioactivity\n-60\t0\t0\n10\t1\tn/a\n300\t9000\t11000\n",
    )  # fmt: skip
    units = {"time": {"Units": "s"}, "whole_blood_radioactivity": {"Units": "Bq/mL"}}
    put(
        tmp_path,
        "a_recording-manual_blood.json",
        json.dumps(units | {"plasma_radioactivity": {"Units": "Bq/mL"}}),
    )
    with pytest.raises(InputError, match="whole blood must be in one file of a scan; 2 hold it"):
        read_bids_blood([auto, manual], injection_start_s=0.0, join=JoinRule.REFUSE)
    found = read_bids_blood([auto, manual], injection_start_s=0.0, join=JoinRule.LATER_SAMPLES)
    assert found.whole_blood.times_s.tolist() == [0.0, 10.0, 20.0, 300.0]
    assert found.whole_blood.values.tolist() == [0.0, 90e3, 50e3, 9e3]
    assert found.plasma.times_s.tolist() == [300.0]
    assert [f["samples_before_injection_left_out"] for f in found.provenance.parameters["files"]] == [0, 1]
    shifted = read_bids_blood([auto], injection_start_s=10.0, join=JoinRule.REFUSE)
    assert shifted.whole_blood.times_s.tolist() == [0.0, 10.0]


@pytest.mark.parametrize(
    ("text", "sidecar", "message"),
    [
        (
            "time\tplasma_radioactivity\n0\t1\n",
            {"time": {"Units": "s"}},
            "must state Units of plasma_radioactivity",
        ),
        (
            "time\tplasma_radioactivity\n0\t1\n",
            {"plasma_radioactivity": {"Units": "Bq/mL"}},
            "must state Units of time",
        ),
        (
            "time\tplasma_radioactivity\n5\t1\n0\t1\n",
            {"time": {"Units": "s"}, "plasma_radioactivity": {"Units": "Bq/mL"}},
            "plasma_radioactivity of x_blood.tsv: times_s of blood must increase",
        ),
        (
            "time\tplasma_radioactivity\tmetabolite_parent_fraction\n0\t1\t95\n",
            {
                "time": {"Units": "s"},
                "plasma_radioactivity": {"Units": "Bq/mL"},
                "metabolite_parent_fraction": {"Units": "unitless"},
            },
            "parent_fraction must be 0 to 1; got 95",
        ),
    ],
)
def test_read_bids_blood__bad_tables_are_one_sentence(tmp_path, text, sidecar, message):
    path = put(tmp_path, "x_blood.tsv", text)
    put(tmp_path, "x_blood.json", json.dumps(sidecar))
    with pytest.raises(InputError, match=message):
        read_bids_blood([path], injection_start_s=0.0, join=JoinRule.REFUSE)


def test_read_pmod_tissue__needs_a_frame_with_a_duration(tmp_path):
    path = put(tmp_path, "a.tac", "start[s]\tend[kBq/cc]\tA\n0\t0\t2\n")
    with pytest.raises(InputError, match="a frame with a duration; it has none"):
        read_pmod_tissue(path)


def test_read_pmod_tissue__units_and_names(tmp_path):
    path = put(
        tmp_path,
        "a.tac",
        "start[seconds]\tend[nCi/cc]\tputamen sin\tcer\n0\t0\t0\t0\n0\t10\t1\t2\n10\t30\t3\t4\n",
    )
    found = read_pmod_tissue(path)
    assert found.regions == ("putamen sin", "cer")
    assert found.concentration_bq_ml.tolist() == pytest.approx(np.array([[37, 111], [74, 148.0]]))
    assert found.provenance.parameters["rows_without_duration_left_out"] == 1


def test_read_pmod_blood__several_files_and_kinds(tmp_path):
    whole = put(tmp_path, "w.bld", "TIME [min]\tWhole blood [kBq/cc]\n0\t0\n1\t4,5\n")
    fraction = put(tmp_path, "f.bld", "sample-time[seconds]\tparent-fraction[1/1]\n0\t1\n600\t0.5\n")
    odd = put(tmp_path, "o.crv", "time[minutes]\tParent[Bq/cc]\n0\t0\n1\t9000\n")
    found = read_pmod_blood([whole, fraction, odd], kinds={"Parent": BloodKind.PLASMA})
    assert found.whole_blood.values.tolist() == [0.0, 4500.0]
    assert found.parent_fraction.times_s.tolist() == [0.0, 600.0]
    assert found.plasma.values.tolist() == [0.0, 9000.0]
    with pytest.raises(
        MissingAttribute, match=r"column 'Parent' of o\.crv must be plasma, whole-blood or parent"
    ):
        read_pmod_blood([odd])
    with pytest.raises(InputError, match="whole blood must be in one column"):
        read_pmod_blood([whole, whole])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.tac", "start\tend[kBq/cc]\tA\n0\t1\t2\n", "a.tac must state its unit of time in brackets"),
        ("a.tac", "start[s]\tend\tA\n0\t1\t2\n", "a.tac must state its unit of concentration in brackets"),
        ("a.tac", "start[s] end[kBq/cc] A\n0 1 2\n", "separate columns by tabs"),
        ("a.bld", "sample-time[s]\tplasma\n0\t1\n", "a.bld must state its unit of concentration"),
        ("a.bld", "sample-time\tplasma[kBq/cc]\n0\t1\n", "a.bld must state its unit of time"),
    ],
)
def test_read_pmod__a_unit_that_is_not_there_is_not_taken_from_settings(tmp_path, name, text, message):
    path = put(tmp_path, name, text)
    with pytest.raises(MissingAttribute, match=message):
        read_pmod_tissue(path) if name.endswith(".tac") else read_pmod_blood([path])
