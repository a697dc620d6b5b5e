"""The sections of a report, one file each.

A section is a function ``run(context) -> SectionResult``. To add one: write its file, name it here,
and list it in :data:`tumorboard.workflows.board.config.SECTIONS`.
"""

from tumorboard.registry import Registry

__all__ = ["SECTION_RUNNERS", "SECTION_TITLES"]

SECTION_RUNNERS = Registry(
    "board section",
    {
        name: f"tumorboard.workflows.board.sections.{name}:run"
        for name in ("scans", "structures", "pet", "proton", "truth")
    },
)

SECTION_TITLES = {
    "scans": "What was scanned",
    "structures": "Structures",
    "pet": "PET and SPECT: uptake and lesions",
    "proton": "Proton plan",
    "truth": "Truth beside measurement",
}
