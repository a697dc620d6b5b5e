"""Kinetics of a tracer: from curves of blood and tissue to rates, volumes of distribution and binding."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "fit": ["FitFlag", "FrameModel", "GraphicalPlot", "KineticFit", "KineticParameter", "Weighting"],
        "input_function": ["InputFunction"],
    },
)
