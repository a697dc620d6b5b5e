"""Kinetic models through curves of regions, and in every voxel of a dynamic scan."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "models", "read", "run"],
    submod_attrs={"config": ["KineticsConfig", "TStarChoice"], "result": ["KineticsResult"]},
)
