"""From scans of a radioligand at some times to activities, half-lives and absorbed doses of lesions."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submodules=["config", "run"],
    submod_attrs={
        "config": ["ContourSource", "CurveChoice", "HalfLives", "RadioligandConfig", "SingleScan"],
        "contours": ["CarriedLesion", "ContourReport", "contour_source"],
        "result": ["RadioligandResult"],
        "time_course": ["ActivityScan"],
    },
)
