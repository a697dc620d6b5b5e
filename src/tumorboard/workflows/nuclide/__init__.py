"""What is known of a nuclide's decay."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "run"],
    submod_attrs={"config": ["NuclideConfig"]},
)
