"""Beam models and machines of other systems in.

>>> from tumorboard.io import machines
>>> callable(machines.read_matrad_machine)
True
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "dcpt": ["read_dcpt_beam_model"],
        "matrad": ["LateralModel", "read_matrad_machine"],
        "mcsquare": ["read_mcsquare_bdl"],
    },
)
