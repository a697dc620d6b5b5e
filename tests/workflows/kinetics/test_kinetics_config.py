import pytest

from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import MODELS, REFERENCE_MODELS, KineticsConfig, TStarChoice

NEEDED = {
    "mrtm2": {"k2_prime_per_min": 0.1},
    "reflogan": {"k2_prime_per_min": 0.0},
    "spectral": {"rates_per_min": (0.005, 6.0)},
    "suvr": {"window_min": (50.0, 70.0)},
}


@pytest.mark.parametrize("model", MODELS)
def test_choices__are_all_told(model):
    driven = {"reference": "cerebellum"} if model in REFERENCE_MODELS else {}
    config = KineticsConfig(model, **NEEDED.get(model, {}), **driven)
    choices = config.choices()
    assert set(choices) == set(config.parts())
    assert set(config.by_default()) <= set(choices)
    assert all(choices[name] is not None for name in config.by_default())


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"model": "logan", "reference": "cerebellum"}, "reference must be left out for logan"),
        ({"model": "ma1", "vb": (0.0, 0.1)}, "vb must be one number for ma1"),
        ({"model": "1tcm", "delay_s": 5.0, "delay_region": "WB"}, "must not both be given"),
        ({"model": "1tcm", "delay_model": "1tcm"}, "--fit-delay REGION"),
        ({"model": "1tcm", "delay_s": 1e4}, "delay_s must be -600 to 600"),
        ({"model": "1tcm", "end_rule": "guess"}, "--end-rule refuse"),
        ({"model": "mrtm2", "reference": "c", "k2_prime_per_min": 0.0}, "k2_prime_per_min must be > 0"),
        ({"model": "1tcm", "most_relative_vt_error": 0.0}, "most_relative_vt_error must be > 0"),
        ({"model": "1tcm", "until_min": float("nan")}, "until_min must be finite"),
    ],
)
def test_config__refuses_what_does_not_go_together(given, said):
    with pytest.raises(InputError, match=said):
        KineticsConfig(**given)


@pytest.mark.parametrize(("rule", "value"), [("frames", 2), ("frames", 3.5), ("from_min", -1), ("never", 1)])
def test_t_star__refuses_what_is_no_rule(rule, value):
    with pytest.raises(InputError):
        TStarChoice(rule, value)
