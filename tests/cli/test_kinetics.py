"""``tumorboard kinetics fit`` on tables of known curves, and what it says of tables that cannot be right."""

import json

import kinetic_curves as known
import numpy as np
import pytest

from tumorboard.cli import main as cli
from tumorboard.core.blood import BloodCurve, BloodSamples
from tumorboard.core.tissue_curves import TissueCurves
from tumorboard.io.blood_table import write_bids_blood
from tumorboard.io.tissue_table import write_tissue_table
from tumorboard.provenance import Record

VT = {"striatum dx": 0.1 / 0.04, "cortex": 0.08 / 0.05}
RECORD = Record("tests.tables")


def tissue_curves(**changed):
    values = np.stack(
        [
            0.95 * known.tissue(known.one_tissue(0.1, 0.04)) + 0.05 * known.blood_averages(),
            0.95 * known.tissue(known.one_tissue(0.08, 0.05)) + 0.05 * known.blood_averages(),
        ]
    )
    facts = {
        "frame_start_s": known.START_S,
        "frame_duration_s": known.DURATION_S,
        "concentration_bq_ml": values,
        "weights": None,
    } | changed
    return TissueCurves(tuple(VT), **facts, provenance=RECORD)


def samples(fraction=1.0, until_s=5500.0):
    times = known.BLOOD.times_s[known.BLOOD.times_s <= until_s]
    plasma = known.BLOOD.parent_plasma_bq_ml[: len(times)] / fraction
    parent = BloodCurve([0.0, times[-1]], [fraction, fraction])
    return BloodSamples(
        BloodCurve(times, known.BLOOD.whole_blood_bq_ml[: len(times)]),
        BloodCurve(times, plasma),
        parent,
        RECORD,
    )


@pytest.fixture
def tables(tmp_path):
    """(curves, blood) of one scan, as files."""
    tac, blood = tmp_path / "sub-01_desc-preproc_tacs.tsv", tmp_path / "sub-01_recording-manual_blood.tsv"
    write_tissue_table(tissue_curves(), tac)
    write_bids_blood(samples(0.5), blood, dispersion_corrected=False)
    return tac, blood


@pytest.fixture
def run(monkeypatch, capsys):
    """Return a function that runs the command and gives its exit code, output and errors."""

    def call(*words):
        monkeypatch.setattr("sys.argv", ["tumorboard", "kinetics", "fit", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return call


def fits_of(output):
    return {fit["region"]: fit for fit in json.loads(output)["fits"]}


def refusal(ended):
    code, output, error = ended
    assert code == 2
    assert output == ""
    assert error.startswith("Error: ")
    assert error.count("\n") == 1
    return error


@pytest.mark.parametrize("model", ["1tcm", "logan", "ma1"])
def test_fit__volumes_are_those_of_the_curves(tables, run, model):
    code, output, _ = run("--tac", tables[0], "--blood", tables[1], "--model", model, "--json", "-")
    assert code == 0
    for region, fit in fits_of(output).items():
        assert fit["parameters"]["VT"]["value"] == pytest.approx(VT[region], rel=2e-3)
        assert fit["parameters"]["VT"]["unit"] == "mL/cm3"
        assert fit.keys() == {"region", "model", "parameters", "aicc", "flags"}


def test_fit__says_every_choice_and_which_were_left_to_it(tables, run):
    words = ("--tac", tables[0], "--blood", tables[1], "--model", "logan", "--t-star-frames", "10")
    found = json.loads(run(*words, "--json", "-")[1])
    assert found["choices"]["t_star"] == "last 10 frames"
    assert found["choices"]["weighting"] == "duration"
    assert set(found["chosen_by_default"]) >= {"vb", "point_weights", "frame_model", "weighting", "parent"}
    assert "t_star" not in found["chosen_by_default"]
    tenth_last = (known.START_S + known.DURATION_S / 2)[-10] / 60
    assert found["t_star_min"] == pytest.approx(dict.fromkeys(VT, tenth_last))
    assert "logan1990graphical" in found["citations"]


def test_fit__a_table_for_people_has_the_same_numbers(tables, run):
    _, output, _ = run("--tac", tables[0], "--blood", tables[1], "--model", "1tcm", "--region", "cortex")
    assert "    VT: 1.6" in output
    assert "  vb*: 0.05" in output
    assert "striatum" not in output


def test_fit__of_a_reference_region(tables, run):
    words = ("--tac", tables[0], "--model", "srtm", "--reference", "cortex", "--json", "-")
    (fit,) = fits_of(run(*words)[1]).values()
    assert fit["region"] == "striatum dx"
    assert fit["parameters"]["BPND"]["value"] == pytest.approx(2.5 / 1.6 - 1, abs=0.03)


@pytest.mark.slow
def test_fit__shift_of_blood_is_found_and_taken_out(tables, run, tmp_path):
    late = tmp_path / "late_blood.tsv"
    moved = known.BLOOD.delayed(-6.0)
    kept = moved.times_s >= 0
    curve = BloodCurve(moved.times_s[kept], moved.parent_plasma_bq_ml[kept])
    whole = BloodCurve(moved.times_s[kept], moved.whole_blood_bq_ml[kept])
    write_bids_blood(BloodSamples(whole, curve, None, RECORD), late, dispersion_corrected=False)
    words = ("--tac", tables[0], "--blood", late, "--model", "1tcm", "--parent", "plasma", "--json", "-")
    found = json.loads(run(*words, "--fit-delay", "cortex", "--delay-bounds-s", "0", "12")[1])
    assert found["choices"]["delay_s"] == pytest.approx(6.0, abs=0.3)
    given = fits_of(run(*words, "--delay-s", "6")[1])
    assert given["cortex"]["parameters"]["VT"]["value"] == pytest.approx(1.6, rel=1e-3)


def test_fit__reads_what_pmod_writes(run, tmp_path):
    curves, blood = tissue_curves(), samples()
    tac, bld = tmp_path / "a.tac", tmp_path / "a.bld"
    rows = ["start[seconds]\tend[kBq/cc]\t" + "\t".join(curves.regions)]
    columns = (curves.frame_start_s, curves.frame_end_s, *curves.concentration_bq_ml / 1e3)
    rows += ["\t".join(map(str, row)) for row in zip(*columns, strict=True)]
    tac.write_text("\n".join(rows) + "\n")
    rows = ["sample-time[minutes]\tplasma[kBq/cc]\twhole-blood[kBq/cc]"]
    columns = (blood.plasma.times_s / 60, blood.plasma.values / 1e3, blood.whole_blood.values / 1e3)
    rows += ["\t".join(map(str, row)) for row in zip(*columns, strict=True)]
    bld.write_text("\n".join(rows) + "\n")
    words = ("--tac", tac, "--blood", bld, "--model", "1tcm", "--parent", "plasma", "--json", "-")
    assert fits_of(run(*words)[1])["cortex"]["parameters"]["K1"]["value"] == pytest.approx(0.08, rel=1e-3)


def test_fit__reads_columns_and_units_that_are_told(run, tmp_path):
    curves, blood = tissue_curves(), samples()
    tac, csv = tmp_path / "a.csv", tmp_path / "blood.csv"
    rows = ["PET,StartTime,Duration,cortex"]
    columns = (curves.frame_start_s / 60, curves.frame_duration_s / 60, curves.of("cortex") / 1e3)
    rows += ["one," + ",".join(map(str, row)) for row in zip(*columns, strict=True)]
    tac.write_text("\n".join([*rows, "other,0,1,5"]) + "\n")
    rows = ["PET,t,p,b"]
    columns = (blood.plasma.times_s, blood.plasma.values, blood.whole_blood.values)
    rows += ["one," + ",".join(map(str, row)) for row in zip(*columns, strict=True)]
    csv.write_text("\n".join(rows) + "\n")
    words = ["--tac", tac, "--blood", csv, "--model", "1tcm", "--parent", "plasma", "--where", "PET=one"]
    assert "--tac-units s,kBq/mL" in refusal(run(*words, "--tac-columns", "start=StartTime"))
    words += ["--tac-units", "min,kBq/mL", "--tac-columns", "start=StartTime,duration=Duration"]
    assert "--region NAME" in refusal(run(*words))
    words += ["--region", "cortex"]
    assert "--blood-units s,kBq/mL" in refusal(run(*words))
    words += ["--blood-units", "s,Bq/mL"]
    assert "--blood-columns time=" in refusal(run(*words))
    named = csv.read_text().replace("PET,t,p,b", "PET,time,plasma,whole-blood")
    csv.with_name("named.csv").write_text(named)
    own = [csv.with_name("named.csv") if word == csv else word for word in words]
    assert run(*own)[0] == 0
    code, output, _ = run(*words, "--blood-columns", "time=t,plasma=p,whole_blood=b", "--json", "-")
    assert code == 0
    assert fits_of(output)["cortex"]["parameters"]["VT"]["value"] == pytest.approx(1.6, rel=1e-3)


def test_fit__a_table_of_several_scans_is_reached_by_what_each_refusal_says(run, tmp_path):
    curves, blood = tissue_curves(weights=known.DURATION_S), samples()
    tac, csv = tmp_path / "tacs.csv", tmp_path / "input.csv"
    frames = (curves.mid_s, curves.weights, curves.of("cortex") / 1e3, curves.frame_start_s)
    rows = [
        ",".join(map(repr, map(float, row))) for row in zip(*frames, curves.frame_duration_s, strict=True)
    ]
    rows = [f"{scan},{row}" for scan in ("one", "two") for row in rows]
    tac.write_text("\n".join(["PET,Times,Weights,cortex,StartTime,Duration", *rows]) + "\n")
    columns = (blood.plasma.times_s / 60, blood.whole_blood.values / 1e3, blood.plasma.values / 1e3)
    rows = [f"{t!r},{b!r},{p!r},1" for t, b, p in zip(*(c.tolist() for c in columns), strict=True)]
    csv.write_text("\n".join(["Time (min),Blood,Plasma,ParentFraction", *rows]) + "\n")
    words = ["--tac", tac, "--blood", csv, "--model", "1tcm"]
    assert refusal(run(*words)).rstrip().endswith("say --where 'PET=one'")
    words += ["--where", "PET=one"]
    assert "--tac-units s,kBq/mL" in refusal(run(*words))
    words += ["--tac-units", "s,kBq/mL"]
    assert "--blood-units s,kBq/mL" in refusal(run(*words))
    assert "got SECOND and, by a header, MINUTE" in refusal(run(*words, "--blood-units", "s,kBq/mL"))
    found = fits_of(run(*words, "--blood-units", "min,kBq/mL", "--json", "-")[1])
    assert found.keys() == {"cortex"}
    assert found["cortex"]["parameters"]["VT"]["value"] == pytest.approx(1.6, rel=1e-3)


def test_fit__reads_bids_blood_without_its_sidecar_when_units_are_told(tables, run):
    tables[1].with_suffix(".json").unlink()
    words = ("--tac", tables[0], "--blood", tables[1], "--model", "1tcm", "--json", "-")
    assert "--blood-units s,kBq/mL" in refusal(run(*words))
    found = fits_of(run(*words, "--blood-units", "s,Bq/mL")[1])
    assert found["cortex"]["parameters"]["VT"]["value"] == pytest.approx(1.6, rel=1e-3)


def test_fit__refuses_blood_that_ends_before_the_scan_and_says_how_to_go_on(tables, run):
    write_bids_blood(samples(until_s=5000.0), tables[1], dispersion_corrected=False)
    words = ("--tac", tables[0], "--blood", tables[1], "--model", "logan", "--json", "-")
    text = refusal(run(*words))
    assert "blood must reach to the end of the last frame, 5400 s" in text
    assert "--end-rule hold" in text
    code, output, _ = run(*words, "--end-rule", "hold")
    assert code == 0
    assert "last value is held to the end" in json.loads(output)["notes"][0]
    assert run(*words, "--until-min", "80")[0] == 0
    # The few frames that are left are no sign of minutes taken for seconds.
    assert run(*words, "--until-min", "1.5")[0] == 0


def test_fit__refuses_frames_out_of_order(tables, run):
    lines = tables[0].read_text().splitlines()
    lines[5], lines[6] = lines[6], lines[5]
    tables[0].write_text("\n".join(lines) + "\n")
    text = refusal(run("--tac", tables[0], "--blood", tables[1], "--model", "1tcm", "--json", "-"))
    assert "frames must be in order of time" in text


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('"kBq/mL"', '"Bq/mL"', "concentrations of the two tables"),
        ('"Units": "s"', '"Units": "min"', "times of the two tables"),
    ],
)
def test_fit__refuses_tables_whose_units_cannot_both_be_right(tables, run, before, after, said):
    sidecar = tables[1].with_suffix(".json")
    text = sidecar.read_text()
    if before not in text:
        # The writer's unit is the other one.
        before, after = after, before
    sidecar.write_text(text.replace(before, after))
    refused = refusal(run("--tac", tables[0], "--blood", tables[1], "--model", "1tcm", "--json", "-"))
    assert said in refused


def test_fit__refuses_negative_weights(tables, run):
    write_tissue_table(tissue_curves(weights=known.DURATION_S), tables[0])
    lines = tables[0].read_text().splitlines()
    lines[3] = lines[3].rpartition("\t")[0] + "\t-1.0"
    tables[0].write_text("\n".join(lines) + "\n")
    text = refusal(run("--tac", tables[0], "--blood", tables[1], "--model", "1tcm", "--json", "-"))
    assert "weights must be finite and >= 0; frame 3 has -1" in text


@pytest.mark.parametrize(
    ("factor", "constant", "said"),
    [
        (0.0, 5e3, "plasma must change in time [Bq/mL]; it is 5000 in all"),
        (0.0, 0.0, "plasma must change in time [Bq/mL]; it is 0 in all"),
        (-1.0, 0.0, "parent_plasma_bq_ml must be > 0 at some time"),
    ],
)
def test_fit__refuses_plasma_that_drives_nothing(tables, run, factor, constant, said):
    blood = samples()
    plasma = BloodCurve(blood.plasma.times_s, factor * blood.plasma.values + constant)
    write_bids_blood(
        BloodSamples(blood.whole_blood, plasma, blood.parent_fraction, RECORD),
        tables[1],
        dispersion_corrected=False,
    )
    text = refusal(run("--tac", tables[0], "--blood", tables[1], "--model", "logan", "--json", "-"))
    assert said in text


@pytest.mark.parametrize("model", ["1tcm", "2tcm", "logan", "ma1", "patlak"])
def test_fit__refuses_a_constant_curve(tables, run, model):
    values = np.stack([tissue_curves().of("cortex"), np.full(len(known.START_S), 5e3)])
    write_tissue_table(tissue_curves(concentration_bq_ml=values), tables[0])
    text = refusal(run("--tac", tables[0], "--blood", tables[1], "--model", model, "--json", "-"))
    assert "the curve of 'cortex' must change" in text


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--model", "mrtm2", "--reference", "cortex"), "--model mrtm2 --k2-prime-per-min 0.1"),
        (("--model", "srtm"), "--model srtm --reference REGION"),
        (("--model", "suvr", "--reference", "cortex"), "--model suvr --window-min 50 70"),
        (("--model", "spectral"), "--model spectral --rates-per-min 0.005 6"),
        (("--model", "1tcm"), "--blood FILE"),
        (("--model", "2tcm", "--t-star-frames", "5"), "--t-star-... must be left out for 2tcm"),
        (("--model", "logan", "--t-star-frames", "5", "--t-star-all"), "t* must have one rule"),
        (("--model", "lohan"), "model must be one of 1tcm, 2tcm"),
    ],
)
def test_fit__says_what_to_type_where_a_choice_is_missing(tables, run, words, said):
    assert said in refusal(run("--tac", tables[0], *words))
