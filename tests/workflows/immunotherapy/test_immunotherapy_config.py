import pytest

from tumorboard.errors import InputError
from tumorboard.workflows.immunotherapy.config import ImmunotherapyConfig


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ({"classes": ("III",)}, "classes must be of I, II"),
        ({"classes": ()}, "classes must be of I, II"),
        ({"lengths_class1": (7,)}, "lengths_class1 must be of 8 to 15 residues"),
        ({"lengths_class2": ()}, "lengths_class2 must be of 9 to 30 residues"),
        ({"percentiles_class1": (3.0, 2.0)}, "percentiles_class1 must be strong then weak"),
        ({"affinity_nm": 0.0}, "affinity_nm must be 1 to 50000"),
        ({"purity": 60.0}, "purity must be above 0 to 1; got 60.0; divide percent by 100"),
        ({"anchor_share": 0.0}, "anchor_share must be above 0 to 1"),
        ({"sex": "f"}, "sex must be female or male"),
        ({"least_tumour_vaf": 5.0}, "least_tumour_vaf must be 0 to 1"),
        ({"support_level": 0}, "support_level must be 1 to 5"),
        ({"threads": 0}, "threads must be >= 1"),
    ],
)
def test_config__says_what_is_wrong(choice, message):
    with pytest.raises(InputError, match=message):
        ImmunotherapyConfig(**choice)


def test_choices__tell_everything_and_what_nobody_chose():
    config = ImmunotherapyConfig(purity=0.6, lengths_class1=(9, 8, 9), threads=1)
    told = config.choices()
    assert told["purity"] == 0.6
    assert told["lengths_class1"] == [8, 9]
    assert "threads" not in told
    assert set(told) - set(config.by_default()) == {"purity", "lengths_class1"}
