"""The models that come with the package."""

from __future__ import annotations

from functools import cache

from tumorboard.core.hla import MhcClass
from tumorboard.immunotherapy.binding.class1 import Class1Model
from tumorboard.immunotherapy.binding.class2 import Class2Model
from tumorboard.immunotherapy.binding.model import PresentationModel

__all__ = ["load_model"]


@cache
def load_model(mhc_class: MhcClass) -> PresentationModel:
    """Return the predictor of a class, read once.

    Parameters
    ----------
    mhc_class
        Class I or II.

    Raises
    ------
    MissingData
        When its weights are not installed.

    Examples
    --------
    >>> model = load_model(MhcClass.I)
    >>> "HLA-A*02:01" in model.alleles
    True
    """
    if mhc_class is MhcClass.I:
        return Class1Model.installed()
    return Class2Model.installed()
