"""tumorboard: an open workbench for precision radio-oncology.

Research software, not a medical device.

The packages are loaded when they are first used (SPEC 1), so importing this
one costs next to nothing.
"""

import lazy_loader as _lazy

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["core", "errors", "io", "numerics", "pet", "phantoms", "plotting", "provenance", "units"],
)
