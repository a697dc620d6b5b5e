"""Pictures and report pages.

>>> from tumorboard.plotting import Page, Section, SectionStatus, render
>>> render(Page("P01", "synthetic", (Section("scans", "Scans", SectionStatus.DONE),)))[:15]
'<!doctype html>'
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "bland_altman": ["AgreementLine", "bland_altman"],
        "blocks": [
            "Align",
            "Block",
            "Caution",
            "Cell",
            "Facts",
            "Fold",
            "Gallery",
            "Note",
            "Picture",
            "PointLink",
            "Section",
            "SectionStatus",
            "Table",
            "Text",
        ],
        "blood_curves": ["BloodLine", "blood_curves"],
        "convergence": ["convergence_plot"],
        "dose_slices": ["ISODOSES_PERCENT", "dose_slices"],
        "emission_overlay": ["emission_overlay"],
        "emission_profile": ["EmissionCurve", "emission_profile"],
        "dvh": ["DvhCurve", "dvh_plot"],
        "funnel": ["funnel"],
        "graphical_plot": ["GraphicalLine", "graphical_plot"],
        "grouped_scatter": ["ScatterAxis", "ScatterPoint", "grouped_scatter"],
        "kinetic_fit": ["FittedCurve", "kinetic_fit"],
        "map_slices": ["MapColours", "map_slices"],
        "motion_plot": ["motion_plot"],
        "page": ["Page", "render"],
        "percentile_map": ["percentile_map"],
        "palette": ["structure_rgb"],
        "pictures": [
            "Outline",
            "Plane",
            "acquired_plane",
            "fused_slices",
            "maximum_intensity_projection",
            "montage_slices",
            "series_thumbnail",
        ],
        "sequence_logo": ["sequence_logo"],
        "spot_map": ["SpotMap", "spot_maps"],
        "scene": ["Colormap", "Label", "Layer", "LayerKind", "Scene"],
    },
)
