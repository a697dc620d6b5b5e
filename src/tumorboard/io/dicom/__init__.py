"""DICOM in and out.

>>> from tumorboard.io import dicom
>>> callable(dicom.scan)
True
"""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__,
    submod_attrs={
        "scan": ["scan"],
        "study": ["FileHeader", "Quarantined", "Series", "Study"],
        "sandbox": ["Limits"],
        "geometry": ["GantryTilt"],
        "read_all_images": ["read_all_images"],
        "read_image": ["SeriesVolume", "read_image", "read_images"],
        "read_ion_plan": ["read_ion_plan"],
        "read_rtdose": ["read_rtdose"],
        "read_structures": ["read_structures"],
        "injected_activity": ["AcquisitionResolution"],
        "read_acquisition": ["pet_acquisition_of", "read_pet_acquisition"],
        "identity": ["PatientIdentity", "StudyIdentity", "make_uid"],
        "write_dose": ["DoseType", "PlanKind", "write_rtdose"],
        "write_image": ["ImageModality", "write_image_series"],
        "write_ion_plan": ["Prescription", "write_ion_plan"],
        "write_parametric_map": ["write_parametric_map"],
        "write_segmentation": [
            "AlgorithmFamily",
            "SegmentationAlgorithm",
            "SegmentationKind",
            "SegmentationMethod",
            "write_segmentation",
        ],
        "write_structures": ["write_rtstruct"],
        "written": ["ReferencedSeries", "WrittenObject", "WrittenSeries", "reference_series"],
    },
)
