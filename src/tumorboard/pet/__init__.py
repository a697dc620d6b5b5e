"""Positron emission tomography: uptake, lesions, response."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "suv": ["SuvFactor", "SuvVariant", "suv_factor", "to_suv"],
        "adaptive": ["AdaptiveContrast", "LesionUptake"],
        "deauville": ["DeauvilleRule", "DeauvilleScore", "UptakeMeasure", "deauville_score"],
        "delineation": ["Connectivity", "Exclusion", "LesionOrder", "delineate_lesions"],
        "liver_reference": ["LIVER_SPHERE_RADIUS_MM", "find_liver", "liver_reference"],
        "motion": ["FrameMotion", "MotionCorrection", "TransformSource", "correct_motion"],
        "motion_config": ["Feature", "MeanReference", "MotionConfig", "OneFrameReference"],
        "partial_volume_matrix": [
            "CorrectedCurves",
            "TransferMatrix",
            "region_curves",
            "transfer_matrix",
        ],
        "partial_volume_methods": ["IterativeYang", "RegionVoxelwise"],
        "partial_volume_psf": ["GaussianPsf"],
        "partial_volume_regions": ["FractionPartition", "LabelPartition", "Partition", "region_means"],
        "partial_volume_sensitivity": ["PsfSensitivity", "psf_sensitivity"],
        "partial_volume_voxels": [
            "CorrectedDynamic",
            "CorrectedImage",
            "correct_dynamic",
            "correct_image",
            "corrected_frames",
        ],
        "patient_summary": ["PatientSummary", "summarise_patient"],
        "peak": ["PEAK_RADIUS_MM", "SphereUptake", "peak_uptake", "sphere_uptake"],
        "percist": [
            "MetabolicResponse",
            "PercistResponse",
            "PercistRule",
            "PercistScan",
            "percist_response",
        ],
        "quantities": ["LesionQuantities", "quantify"],
        "thresholds": ["FixedThreshold", "Percist", "PercentOfMaximum", "PercentOfPeak", "ReferenceTissue"],
        "uptake_field": ["DelineationRule", "Growth"],
        "watershed": ["GradientWatershed"],
    },
)
