"""Peptides of mutant proteins, and what of them occurs in normal ones."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "proteome_index": ["ProteomeIndex"],
    },
)
