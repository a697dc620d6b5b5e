import re
import tomllib
from pathlib import Path

import pytest

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.workflows.proton_plan.prescription import parse_prescription, read_prescription

HERE = Path()
PRESCRIPTION = Path(__file__).with_name("prescription.toml").read_text()


def table(text=PRESCRIPTION):
    return tomllib.loads(text)


def test_parse_prescription__reads_every_table():
    config = parse_prescription(table(), folder=HERE)
    assert config.label == "Test"
    assert config.beams[0].gantry_deg == 90.0
    assert config.objectives[0].fields == (("dose_gy", 20.0),)
    assert config.goals[0].metric == "dose_at_volume"
    assert (config.goals[0].at, config.goals[0].lower, config.goals[0].upper) == (95.0, 18.0, None)
    assert set(config.structure_names) == {"GTV", "around", "body", "cord"}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ('hu_curve = "schneider2000"', "", "hu_curve must be chosen: a CT without a calibration"),
        ('rbe_model = "constant_1.1"', "", "rbe_model must be one of .* there is no default"),
        ("constant_1.1", "rbe_of_mine", "rbe_model must be one of .*mcnamara_2015.*; got 'rbe_of_mine'"),
        ("n_fractions = 10", "n_fractions = 0", r"n_fractions must be >= 1 and <= 100 \[1\]; got 0"),
        ("n_fractions = 10", "fractions = 10", "keys of the prescription must be among .*; got fractions"),
        ('machine = "generic"', 'machine = "no.mat"', "machine must be .* a file that can be read"),
        (
            "gantry_deg = 90.0",
            'gantry_deg = "left"',
            r"gantry_deg of beam 'left' must be .*\[deg\]; got 'left'",
        ),
        ("margin_mm = 4.0", "margin_cm = 0.4", r"keys of \[\[targets\]\] must be among .*; got margin_cm"),
        ("dose_gy = 20.0\nmargin", "dose_gy = -1.0\nmargin", r"dose_gy of target 'GTV' must be > 0 .*\[Gy\]"),
        (
            '"squared_deviation"',
            '"squared_wish"',
            "type of an objective must be one of .*; got 'squared_wish'",
        ),
        ("importance = 100.0\n", "", "importance of the objective of 'GTV' must be given, > 0; got none"),
        ("D95 >= 18 Gy", "D95 > 18", "goal of 'GTV' must be like \"D95 >= 57 Gy\""),
        ("D95 >= 18 Gy", "D95 >= 18 %", "goal .* must be in Gy; got %"),
        (
            "D95 >= 18 Gy",
            "D5 <= 15 Gy",
            "wishes for 'GTV' must not contradict each other .* 20 and .*D5 <= 15",
        ),
        ("D95 >= 18 Gy", "mean <= 10 Gy", "must not contradict each other"),
        ("_schultheiss", "_nobody", "model of the complication of 'cord' must be one of .*"),
        ('method = "composite_worst"', 'method = "none"', "robust = true must stand only where"),
        (
            "setup_mm = 3.0\nrange_percent = 3.0",
            "setup_mm = 0.0\nrange_percent = 0.0",
            "must be > 0 with method",
        ),
        ("constant_1.1", "mcnamara_2015", "alpha_beta_gy.elsewhere must be given"),
        ('lattice = "hexagonal"', 'lattice = "random"', "spots.lattice must be one of hexagonal, square"),
        ('label = "Test"', 'label = "a label that is too long"', "label must be 1 to 16 characters"),
    ],
)
def test_parse_prescription__says_in_one_sentence_what_is_wrong(old, new, message):
    assert old in PRESCRIPTION
    with pytest.raises((InputError, UnreadableFile), match=message) as caught:
        parse_prescription(table(PRESCRIPTION.replace(old, new)), folder=HERE)
    assert "\n" not in str(caught.value)


def test_read_prescription__names_the_file_and_its_fault(tmp_path):
    file = tmp_path / "plan.toml"
    file.write_text("label = \n")
    with pytest.raises(UnreadableFile, match=re.escape(str(file))):
        read_prescription(file)
    with pytest.raises(UnreadableFile, match="must be a TOML file that can be read"):
        read_prescription(tmp_path / "none.toml")


def test_read_prescription__a_changed_curve_is_a_changed_prescription(tmp_path):
    file, curve = tmp_path / "plan.toml", tmp_path / "curve.hlut"
    file.write_text(PRESCRIPTION.replace('"schneider2000"', '"curve.hlut"'))
    curve.write_text("-1000 0.001\n0 1\n")
    before = read_prescription(file)
    curve.write_text("-1000 0.001\n0 1.01\n")
    assert read_prescription(file) != before
    assert before.hu_curve == str(curve.resolve())


@pytest.mark.parametrize(
    "path",
    [
        "docs/prescriptions/lung_three_fields.toml",
        "src/tumorboard/workflows/demo/lung_lesion.toml",
    ],
)
def test_read_prescription__reads_those_that_newcomers_are_shown(path):
    assert read_prescription(Path(__file__).parents[2] / path).targets


def test_parse_prescription__refuses_a_complication_that_is_asked_for_twice():
    again = '\n[[complications]]\nstructure = "cord"\nmodel = "spinal_cord_myelopathy_schultheiss"\n'
    with pytest.raises(InputError, match="complications must name each model of a structure once"):
        parse_prescription(table(PRESCRIPTION + again), folder=HERE)


MONTE_CARLO = """
[monte_carlo]
histories = 1e6
target_uncertainty_percent = 2.0
seed = 5
"""


def test_parse_prescription__reads_how_the_plan_is_calculated_again():
    assert parse_prescription(table(), folder=HERE).monte_carlo is None
    choice = parse_prescription(table(PRESCRIPTION + MONTE_CARLO), folder=HERE).monte_carlo
    assert (choice.histories, choice.target_uncertainty_percent, choice.seed) == (1_000_000, 2.0, 5)
    assert isinstance(choice.histories, int)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("histories = 1e6\n", "", r"\[monte_carlo\] must have histories"),
        ("seed = 5\n", "", r"\[monte_carlo\] must have seed"),
        ("1e6", "10", "monte_carlo.histories must be >= 1000 .*; got 10"),
        ("1e6", "1000.5", "monte_carlo.histories must be a whole number; got 1000.5"),
        ("= 2.0", "= 0", r"monte_carlo.target_uncertainty_percent must be > 0 and <= 50 \[%\]; got 0"),
        ("= 5", '= "five"', "monte_carlo.seed must be >= 0 .*; got 'five'"),
        ("seed", "dice", r"keys of \[monte_carlo\] must be among .*; got dice"),
    ],
)
def test_parse_prescription__says_what_is_wrong_with_monte_carlo(old, new, message):
    text = PRESCRIPTION + MONTE_CARLO
    assert old in MONTE_CARLO
    with pytest.raises(InputError, match=message):
        parse_prescription(table(PRESCRIPTION + text[len(PRESCRIPTION) :].replace(old, new)), folder=HERE)
