"""How well HLA molecules present peptides."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["compare", "config", "run"],
    submod_attrs={"config": ["BindingConfig"]},
)
