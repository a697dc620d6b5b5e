"""Synthetic patients and scanners with known truth."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(__name__, submodules=["digital_patient"])
