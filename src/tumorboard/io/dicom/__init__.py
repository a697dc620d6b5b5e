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
        "read_image": ["read_image"],
        "read_structures": ["read_structures"],
        "read_acquisition": ["AcquisitionResolution", "pet_acquisition_of", "read_pet_acquisition"],
        "write_image": ["write_image_series"],
        "write_structures": ["write_rtstruct", "write_segmentation"],
        "write_dose": ["write_rtdose"],
        "write_parametric_map": ["write_parametric_map"],
    },
)
