"""What a section is given: the stored case, the choices, and ways to ask for both."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from tumorboard.core.case import Case
from tumorboard.core.dynamic import DynamicImage
from tumorboard.core.image import Image
from tumorboard.core.structures import StructureSet
from tumorboard.io.case_store import CaseStore
from tumorboard.workflows.board.config import BoardConfig
from tumorboard.workflows.board.ingest import STUDY_ITEM
from tumorboard.workflows.board.result import SectionResult
from tumorboard.workflows.progress import Progress

__all__ = ["Context", "SeriesFacts", "VolumeFacts"]


@dataclass(frozen=True, slots=True)
class VolumeFacts:
    """One stored volume: its item, what it is, and its voxels (shape and spacing along (z, y, x) [mm])."""

    item: str
    label: str
    quantity: str
    unit: str
    shape: tuple[int, ...]
    spacing_mm: tuple[float, ...]
    frame_of_reference: str
    n_frames: int


@dataclass(frozen=True, slots=True)
class SeriesFacts:
    """One series as it was ingested."""

    item: str
    uid: str
    modality: str
    description: str
    files: int
    notes: tuple[str, ...]
    volumes: tuple[VolumeFacts, ...]
    structures_item: str | None
    acquisition: dict[str, Any] | None
    acquisition_error: str | None
    error: str | None

    @property
    def title(self) -> str:
        """Modality and description, for people."""
        return f"{self.modality} {self.description}".strip()

    def title_of(self, volume: VolumeFacts) -> str:
        """Return the title of one volume: the series', and which one it is where there are several."""
        return f"{self.title}, {volume.label}" if len(self.volumes) > 1 else self.title


@dataclass(eq=False)
class Context:
    """The stored case and the choices; images are read when asked for and the last few kept.

    ``earlier`` are the sections of this report that are made already, by name.
    """

    store: CaseStore
    config: BoardConfig
    progress: Progress
    earlier: dict[str, SectionResult] = field(default_factory=dict)
    series: tuple[SeriesFacts, ...] = field(init=False)
    study: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.study = self.store.result(STUDY_ITEM)
        case = self.store.case()  # once: reading the index for each series would be quadratic
        self.series = tuple(self._series_facts(name, case) for name in self.study["series_items"])
        self._read_image = lru_cache(maxsize=4)(self.store.image)

    def image(self, item: str) -> Image:
        """Return a stored volume; of a dynamic scan the mean over its frames."""
        stored = self._read_image(item)
        return stored.mean() if isinstance(stored, DynamicImage) else stored

    def structure_sets(self) -> list[tuple[SeriesFacts, StructureSet]]:
        """Return every stored structure set with the series it came in."""
        return [(s, self.store.structures(s.structures_item)) for s in self.series if s.structures_item]

    def volumes(self, *modalities: str) -> list[tuple[SeriesFacts, VolumeFacts]]:
        """Return the stored volumes of these modalities, or of all."""
        return [(s, v) for s in self.series for v in s.volumes if not modalities or s.modality in modalities]

    def volume_for(self, structures: StructureSet) -> tuple[SeriesFacts, VolumeFacts] | None:
        """Return the volume a structure set was drawn on, else one in its frame of reference, CT first."""
        same_frame = [
            (s, v) for s, v in self.volumes() if v.frame_of_reference == structures.frame_of_reference
        ]
        for s, v in same_frame:
            if s.uid == structures.referenced_series:
                return s, v
        order = ("CT", "MR", "PT", "NM")
        same_frame.sort(key=lambda pair: order.index(pair[0].modality) if pair[0].modality in order else 9)
        return same_frame[0] if same_frame else None

    def _series_facts(self, name: str, case: Case) -> SeriesFacts:
        body = self.store.result(name)
        volumes = []
        for volume in body["volumes"]:
            facts = case[volume["item"]].attributes
            grid = facts["grid"]
            volumes.append(
                VolumeFacts(
                    volume["item"],
                    volume["label"],
                    facts["quantity"],
                    facts["unit"],
                    tuple(grid["shape"]),
                    tuple(grid["spacing_mm"]),
                    grid["frame_of_reference"],
                    len(facts["frames"]["start_s"]) if "frames" in facts else 1,
                )
            )
        notes = [*body["notes"], *(note for volume in body["volumes"] for note in volume["notes"])]
        return SeriesFacts(
            name,
            body["uid"],
            body["modality"],
            body["description"],
            body["files"],
            tuple(dict.fromkeys(notes)),
            tuple(volumes),
            body["structures"],
            body["acquisition"],
            body.get("acquisition_error"),
            body["error"],
        )
