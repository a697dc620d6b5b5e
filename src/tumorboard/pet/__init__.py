"""Positron emission tomography: uptake, lesions, response."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "suv": ["SuvVariant", "suv_factor", "to_suv"],
        "delineation": ["delineate_lesions"],
        "quantities": ["LesionQuantities", "quantify"],
    },
)
