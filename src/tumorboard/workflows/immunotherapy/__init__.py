"""Immunotherapy targets: from variants and HLA types to a ranked list."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "run"],
    submod_attrs={
        "config": ["ImmunotherapyConfig"],
        "inputs": ["ImmunotherapyInputs"],
        "result": ["ImmunotherapyResult", "Target"],
    },
)
