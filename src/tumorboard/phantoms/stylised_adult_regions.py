"""Regions of the stylised adult: names, tissues, published masses, and where red marrow is."""

from __future__ import annotations

from enum import Enum
from typing import Final

from tumorboard.core.material import Material
from tumorboard.physics.materials import material

__all__ = ["BODY_CONTENTS", "MARROW_SHARES", "SKELETON", "BodyRegion", "BodyTissue"]

_SKELETON: Final = (
    (1, 0.07337), (6, 0.25475), (7, 0.03057), (8, 0.47893), (9, 0.00025), (11, 0.00326), (12, 0.00112),
    (14, 0.00002), (15, 0.05095), (16, 0.00173), (17, 0.00143), (19, 0.00153), (20, 0.1019), (26, 0.00008),
    (30, 0.00005), (37, 0.00002), (38, 0.00003), (82, 0.00001),
)  # fmt: skip


class BodyTissue(Enum):
    """What regions are made of, with the densities of the Oak Ridge phantoms [g/cm3]."""

    SOFT = 1.04
    LUNG = 0.296
    SKELETON = 1.4

    @property
    def material(self) -> Material:
        """ICRP's soft tissue and lung; the skeleton is one mixture of bone, marrow and the rest [1]_.

        References
        ----------
        .. [1] cristy1987saf
        """
        if self is BodyTissue.SKELETON:
            return Material("skeleton, Oak Ridge", self.value, _SKELETON)
        found = material("soft tissue, ICRP" if self is BodyTissue.SOFT else "lung, ICRP")
        return Material(found.name, self.value, found.mass_fractions, found.mean_excitation_energy_ev)


class BodyRegion(Enum):
    """Regions of the stylised adult: number in the labels, name, tissue, published mass [g].

    Masses are those of the Cristy-Eckerman adult as OLINDA has them [1]_; ``None``: it has none.

    References
    ----------
    .. [1] stabin2005olinda
    """

    MUSCLE = (1, "muscle", BodyTissue.SOFT, None)
    HEAD_SOFT_TISSUE = (2, "head soft tissue", BodyTissue.SOFT, None)
    SKIN = (3, "skin", BodyTissue.SOFT, 3010.0)
    ADRENALS = (4, "adrenals", BodyTissue.SOFT, 16.3)
    BRAIN = (5, "brain", BodyTissue.SOFT, 1420.0)
    BREASTS = (6, "breasts", BodyTissue.SOFT, 351.0)
    GALL_BLADDER_CONTENTS = (7, "gall bladder contents", BodyTissue.SOFT, 55.7)
    GALL_BLADDER_WALL = (8, "gall bladder wall", BodyTissue.SOFT, 10.5)
    STOMACH_CONTENTS = (9, "stomach contents", BodyTissue.SOFT, 260.0)
    STOMACH_WALL = (10, "stomach wall", BodyTissue.SOFT, 158.0)
    SMALL_INTESTINE = (11, "small intestine", BodyTissue.SOFT, 1100.0)
    UPPER_COLON_CONTENTS = (12, "upper large intestine contents", BodyTissue.SOFT, 232.0)
    UPPER_COLON_WALL = (13, "upper large intestine wall", BodyTissue.SOFT, 220.0)
    LOWER_COLON_CONTENTS = (14, "lower large intestine contents", BodyTissue.SOFT, 143.0)
    LOWER_COLON_WALL = (15, "lower large intestine wall", BodyTissue.SOFT, 167.0)
    HEART_CONTENTS = (16, "heart contents", BodyTissue.SOFT, 454.0)
    HEART_WALL = (17, "heart wall", BodyTissue.SOFT, 316.0)
    KIDNEYS = (18, "kidneys", BodyTissue.SOFT, 299.0)
    LIVER = (19, "liver", BodyTissue.SOFT, 1910.0)
    LUNGS = (20, "lungs", BodyTissue.LUNG, 1000.0)
    OVARIES = (21, "ovaries", BodyTissue.SOFT, 8.71)
    PANCREAS = (22, "pancreas", BodyTissue.SOFT, 94.3)
    SPLEEN = (23, "spleen", BodyTissue.SOFT, 183.0)
    TESTES = (24, "testes", BodyTissue.SOFT, 39.1)
    THYMUS = (25, "thymus", BodyTissue.SOFT, 20.9)
    THYROID = (26, "thyroid", BodyTissue.SOFT, 20.7)
    BLADDER_CONTENTS = (27, "urinary bladder contents", BodyTissue.SOFT, 211.0)
    BLADDER_WALL = (28, "urinary bladder wall", BodyTissue.SOFT, 47.6)
    UTERUS = (29, "uterus", BodyTissue.SOFT, 79.0)
    SKULL = (30, "skull", BodyTissue.SKELETON, None)
    UPPER_SPINE = (31, "upper spine", BodyTissue.SKELETON, None)
    MIDDLE_SPINE = (32, "middle spine", BodyTissue.SKELETON, None)
    LOWER_SPINE = (33, "lower spine", BodyTissue.SKELETON, None)
    RIBS = (34, "ribs", BodyTissue.SKELETON, None)
    CLAVICLES = (35, "clavicles", BodyTissue.SKELETON, None)
    SCAPULAE = (36, "scapulae", BodyTissue.SKELETON, None)
    PELVIS = (37, "pelvis", BodyTissue.SKELETON, None)
    UPPER_ARM_BONES = (38, "upper arm bones", BodyTissue.SKELETON, None)
    LOWER_ARM_BONES = (39, "lower arm bones", BodyTissue.SKELETON, None)
    UPPER_LEG_BONES = (40, "upper leg bones", BodyTissue.SKELETON, None)
    LOWER_LEG_BONES = (41, "lower leg bones", BodyTissue.SKELETON, None)

    def __init__(self, number: int, region: str, tissue: BodyTissue, published_g: float | None) -> None:
        self.number = number
        self.region = region
        self.tissue = tissue
        self.published_g = published_g


#: Parts of the skeleton.
SKELETON: Final = tuple(r for r in BodyRegion if r.tissue is BodyTissue.SKELETON)

#: What is in the body and not of it, where "other organs and tissues" have no activity. Blood is of it.
BODY_CONTENTS: Final = (
    BodyRegion.GALL_BLADDER_CONTENTS,
    BodyRegion.STOMACH_CONTENTS,
    BodyRegion.UPPER_COLON_CONTENTS,
    BodyRegion.LOWER_COLON_CONTENTS,
    BodyRegion.BLADDER_CONTENTS,
)

#: Share of the red marrow of an adult of 40 years [cristy1981marrow]: sternum with the ribs, sacrum with the
#: pelvis, upper halves of humeri and femora.
MARROW_SHARES: Final = {
    BodyRegion.SKULL: 0.084,
    BodyRegion.UPPER_SPINE: 0.039,
    BodyRegion.MIDDLE_SPINE: 0.161,
    BodyRegion.LOWER_SPINE: 0.123,
    BodyRegion.RIBS: 0.193,
    BodyRegion.CLAVICLES: 0.008,
    BodyRegion.SCAPULAE: 0.028,
    BodyRegion.PELVIS: 0.274,
    BodyRegion.UPPER_ARM_BONES: 0.023,
    BodyRegion.UPPER_LEG_BONES: 0.067,
}
