"""Radionuclides by the codes that DICOM files name them with."""

from __future__ import annotations

from typing import Final

__all__ = ["nuclide_of_code"]

#: Nuclide, its SNOMED CT code, and the SNOMED-RT one that older files have: contexts CID 18 (isotopes in
#: radiopharmaceuticals) and CID 4020 (PET radionuclides) of DICOM PS3.16 and their map in its Annex D, as
#: pydicom 3.0.2 holds them. Neither has Tb-161, Ac-225, Pb-212, Bi-213 or Th-227: their name tells.
_SNOMED: Final = (
    "C-11 40565003 C-105A1; C-14 71647005 C-105A2; N-13 21576001 C-107A1; "
    "O-14 424875009 C-1018C; O-15 129504001 C-B1038; F-18 77004003 C-111A1; "
    "Na-22 71633006 C-155A1; Na-24 58541008 C-155A2; P-32 32505007 C-106A1; "
    "K-38 423764008 C-135A4; K-42 59844004 C-135A2; K-43 8202008 C-135A3; "
    "Ti-45 75696008 C-166A2; Cr-51 52745005 C-129A2; Mn-52 37225000 C-149A1; "
    "Fe-52 69089000 C-130A1; Fe-59 68580003 C-130A3; Co-57 27054007 C-144A3; "
    "Co-58 89272005 C-144A4; Co-60 5405008 C-144A6; Cu-60 425364008 C-127A4; "
    "Cu-61 71425003 C-127A1; Cu-62 422934004 C-127A5; Cu-64 3932008 C-127A2; "
    "Cu-67 53700003 C-127A3; Zn-62 65054007 C-141A1; Ga-66 79477007 C-131A1; "
    "Ga-67 2008008 C-131A2; Ga-68 35337001 C-131A3; Ge-68 53315004 C-128A2; "
    "As-72 2705002 C-115A2; Se-73 87437000 C-116A2; Se-75 43239002 C-116A3; "
    "Br-75 17910003 C-113A1; Br-76 79523006 C-113A2; Br-77 86521004 C-113A3; "
    "Kr-81m 61716009 C-173A5; Kr-85 34127007 C-173A7; Rb-82 79197006 C-159A2; "
    "Sr-85 111084009 C-158A3; Sr-87m 78023008 C-158A5; Sr-89 7770004 C-158A6; "
    "Y-86 10738001 C-162A3; Y-90 14691008 C-162A7; Zr-89 63360001 C-168A4; "
    "Tc-94m 424079002 C-163AA; Tc-99m 72454006 C-163A8; Ru-97 23788009 C-180A2; "
    "In-111 56609000 C-145A4; In-113m 48895003 C-145A5; I-123 21572004 C-114A4; "
    "I-124 40937006 C-114A5; I-125 68630002 C-114A6; I-131 1368003 C-114B1; "
    "Xe-127 27081007 C-172A5; Xe-133 80751004 C-172A8; Ba-133 3027009 C-122A5; "
    "Sm-153 419804008 C-B1134; Gd-153 14529005 C-178A8; Yb-169 41758004 C-181A3; "
    "Lu-177 447553000 C-101ED; Ta-178 6301006 C-156A6; Re-186 395865006 C-11906; "
    "Re-188 423578007 C-1018D; Au-198 24301009 C-146A9; Au-199 70544003 C-146B1; "
    "Tl-201 60057003 C-138A9; Pb-203 47588004 C-132A8; Ra-223 24853006 C-136A2; "
)
#: What has no SNOMED code in them.
_OTHERS: Final = {
    ("DCM", "126605"): "Sc-43",
    ("DCM", "126600"): "Sc-44",
    ("DCM", "126601"): "Mn-51",
    ("DCM", "126607"): "Mn-52m",
    ("DCM", "126602"): "As-70",
    ("DCM", "126603"): "Nb-90",
    ("DCM", "126606"): "Tb-152",
    ("NCIt", "C1943"): "Ho-166",
    ("DCM", "126604"): "Ir-191m",
}
_OLD_SCHEMES: Final = ("SRT", "SNM3", "99SDM")
_BY_CODE: Final = _OTHERS | {
    (scheme, code): parts[0]
    for parts in (row.split() for row in _SNOMED.split(";") if row.strip())
    for code in parts[1:]
    for scheme in (_OLD_SCHEMES if "-" in code else ("SCT",))
}


def nuclide_of_code(value: str, scheme: str) -> str | None:
    """Return the nuclide that a code stands for, ``None`` where it is none of DICOM's [1]_.

    Parameters
    ----------
    value
        Code Value (0008,0100).
    scheme
        Coding Scheme Designator (0008,0102): SCT, SRT with its older names SNM3 and 99SDM, DCM or NCIt; empty
        where the file has none: then the value alone tells, which no two schemes share.

    References
    ----------
    .. [1] dicomPS316

    Examples
    --------
    >>> nuclide_of_code("C-101ED", "SRT"), nuclide_of_code("447553000", "SCT"), nuclide_of_code("1", "99ME")
    ('Lu-177', 'Lu-177', None)
    """
    if not scheme:
        return next((name for (_, code), name in _BY_CODE.items() if code == value), None)
    return _BY_CODE.get((scheme, value))
