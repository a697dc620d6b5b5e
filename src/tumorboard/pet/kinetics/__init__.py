"""Kinetics of a tracer: from curves of blood and tissue to rates, volumes of distribution and binding."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "compartments": ["Binding", "OneTissue", "TwoTissue"],
        "compartments_rates": ["BRAIN_BOUNDS", "FittedBloodVolume", "RateBounds"],
        "delay": ["DelayFit", "fit_delay"],
        "fit": ["FitFlag", "FrameModel", "GraphicalPlot", "KineticFit", "KineticParameter", "Weighting"],
        "input_function": ["InputFunction"],
        "logan": ["Logan"],
        "ma1": ["MA1"],
        "ma2": ["MA2"],
        "mrtm1": ["MRTM1"],
        "mrtm2": ["MRTM2"],
        "patlak": ["Patlak"],
        "point_weights": ["PointWeights"],
        "reference_curve": ["ReferenceInterpolation"],
        "reference_logan": ["ReferenceLogan"],
        "reference_patlak": ["ReferencePatlak"],
        "spectral": ["SpectralAnalysis", "Spectrum"],
        "srtm": ["SRTM"],
        "srtm2": ["SRTM2", "CoupledK2Prime", "GivenK2Prime"],
        "suvr": ["SUVR"],
        "t_star": ["AllFrames", "FromTime", "LargestResidual", "LastFrames"],
    },
)
