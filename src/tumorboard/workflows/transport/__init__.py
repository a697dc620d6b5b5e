"""Particles through a box of water: the transport's own numbers, for anyone to check."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["bragg_peak", "config", "water"],
    submod_attrs={"config": ["WaterConfig"], "water": ["WaterResult"]},
)
