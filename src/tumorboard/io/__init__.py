"""Files in and out. Units are converted here and nowhere else."""

import lazy_loader as _lazy

__getattr__, __dir__, __all__ = _lazy.attach(
    __name__, submodules=["dicom", "nifti", "case_store", "machines"]
)
