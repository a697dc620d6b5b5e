"""How nouns of a case become text, and what their digests cover."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tumorboard.core.grid import Grid
from tumorboard.core.image import Image, Quantity
from tumorboard.core.structures import Contour, Structure, StructureKind, StructureSet
from tumorboard.provenance import Record

__all__ = ["array_digest", "structures_from_json", "structures_to_json", "text_digest"]


def array_digest(values: NDArray[Any], facts: Mapping[str, Any]) -> str:
    """SHA-256 over dtype, shape, bytes and the JSON of ``facts``."""
    digest = hashlib.sha256(json.dumps([values.dtype.str, values.shape, facts], sort_keys=True).encode())
    digest.update(np.ascontiguousarray(values).data.cast("B"))
    return digest.hexdigest()


def text_digest(*texts: str) -> str:
    """SHA-256 over the texts, each preceded by its length so that no two lists share a digest."""
    digest = hashlib.sha256()
    for text in texts:
        encoded = text.encode()
        digest.update(f"{len(encoded)}:".encode())
        digest.update(encoded)
    return digest.hexdigest()


def structures_to_json(structures: StructureSet) -> str:
    """Return a structure set as JSON text; of a mask only grid, quantity and dtype, its voxels go apart."""
    body = {
        "frame_of_reference": structures.frame_of_reference,
        "label": structures.label,
        "referenced_series": structures.referenced_series,
        "empty_names": list(structures.empty_names),
        "structures": [
            {
                "name": s.name,
                "kind": s.kind.value,
                "colour_rgb": s.colour_rgb,
                "contours_mm": [c.points_mm.tolist() for c in s.contours],
                "mask": None
                if s.mask is None
                else {
                    "grid": s.mask.grid.to_dict(),
                    "quantity": s.mask.quantity.value,
                    "dtype": s.mask.values.dtype.str,
                },
            }
            for s in structures.structures
        ],
    }
    return json.dumps(body)


def structures_from_json(
    text: str, provenance: Record, read_mask: Callable[[int, Grid, Quantity, str], Image]
) -> StructureSet:
    """Read what :func:`structures_to_json` wrote; ``read_mask`` is given the how-many-eth mask is wanted."""
    body = json.loads(text)
    structures, n_masks = [], 0
    for entry in body["structures"]:
        mask = None
        if entry["mask"] is not None:
            facts = entry["mask"]
            mask = read_mask(
                n_masks, Grid.from_dict(facts["grid"]), Quantity(facts["quantity"]), facts["dtype"]
            )
            n_masks += 1
        structures.append(
            Structure(
                entry["name"],
                tuple(Contour(points_mm) for points_mm in entry["contours_mm"]),
                mask,
                StructureKind(entry["kind"]),
                tuple(entry["colour_rgb"]) if entry["colour_rgb"] else None,
            )
        )
    return StructureSet(
        tuple(structures),
        body["frame_of_reference"],
        provenance,
        body["label"],
        body["referenced_series"],
        tuple(body["empty_names"]),
    )
