import json

import pytest

from tumorboard.physics.transport.energy_balance import EnergyBalance


def test_energy_balance__deposited_fraction_is_of_what_was_brought():
    balance = EnergyBalance(
        brought_mev=100.0,
        deposited_mev=96.0,
        cut_mev=0.6,
        escaped_mev=1.0,
        handed_on_mev=3.0,
        missed_mev=50.0,
        largest_error_mev=1e-12,
        stuck=0,
    )
    assert balance.deposited_fraction == pytest.approx(0.96)
    assert EnergyBalance(**balance.to_dict()) == balance
    assert json.loads(json.dumps(balance.to_dict()))["escaped_mev"] == 1.0


def test_energy_balance__of_nothing_is_no_error():
    assert EnergyBalance(0.0, 0.0, 0.0, 0.0, 0.0, 70.0, 0.0, 0).deposited_fraction == 0.0
