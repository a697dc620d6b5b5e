"""The sections of a report, one file each.

A section is a function ``run(context) -> SectionResult``. To add one: write its file, name it here,
and list it in :data:`tumorboard.workflows.board.config.SECTIONS`.
"""

from tumorboard.registry import Registry
from tumorboard.workflows.board.proton_items import DOSE_ITEM, PLAN_ITEM

__all__ = ["SECTION_INPUTS", "SECTION_RUNNERS", "SECTION_TITLES"]

SECTION_RUNNERS = Registry(
    "board section",
    {
        name: f"tumorboard.workflows.board.sections.{name}:run"
        for name in (
            "scans",
            "structures",
            "pet",
            "radioligand",
            "kinetics",
            "proton",
            "monte_carlo",
            "immunotherapy",
            "truth",
        )
    },
)

SECTION_TITLES = {
    "scans": "What was scanned",
    "structures": "Structures",
    "pet": "PET and SPECT: uptake and lesions",
    "radioligand": "Radioligand: activity and absorbed dose",
    "kinetics": "Kinetics",
    "proton": "Proton plan",
    "monte_carlo": "The proton plan by Monte Carlo",
    "immunotherapy": "Immunotherapy",
    "truth": "Truth beside measurement",
}

#: What a section takes from items that other sections made.
SECTION_INPUTS = {"monte_carlo": (PLAN_ITEM, DOSE_ITEM)}
