"""From a CT with structures and a prescription to a robust proton plan."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "run"],
    submod_attrs={
        "config": ["ProtonPlanConfig"],
        "prescription": ["read_prescription"],
        "result": ["ProtonPlanResult"],
    },
)
