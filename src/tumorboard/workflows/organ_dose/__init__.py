"""Doses to the organs of a stylised adult from a radiopharmaceutical."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "run"],
    submod_attrs={"config": ["OrganDoseConfig"]},
)
