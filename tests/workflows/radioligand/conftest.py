"""Two scans of a ball with activity in a body, whose effective half-lives are known."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from tumorboard.core import AXIAL, Grid, Image, Quantity, Structure, StructureSet
from tumorboard.core.acquisition import DecayReference, PetAcquisition, PetSlice, PetUnits
from tumorboard.pet.decay_reference import average_count_rate_time_s
from tumorboard.provenance import Record
from tumorboard.workflows.radioligand.time_course import ActivityScan

MADE = Record("test.made")
GIVEN = datetime(2026, 1, 15, 9, 0, 0)
PHYSICAL_S, FRAME_S = 574300.8, 1500.0
BALL_BQ_ML, BODY_BQ_ML = 2e6, 2e4
CENTRE_MM, RADIUS_MM, BODY_MM = (62.0, 62.0, 62.0), 20.0, 55.0
SIDE, SPACING_MM = 32, 4.0


def _distance(grid):
    index = np.stack(np.meshgrid(*[np.arange(n) for n in grid.shape], indexing="ij"), axis=-1)
    return np.linalg.norm(grid.index_to_patient(index) - CENTRE_MM, axis=-1)


@pytest.fixture(scope="session")
def make_scan():
    """Return a function that makes the scan of some hours after the administration."""

    def make(
        hours,
        *,
        ball_half_life_h=60.0,
        body_half_life_h=30.0,
        body_bq_ml=BODY_BQ_ML,
        reference=DecayReference.ADMIN,
    ):
        start = GIVEN + timedelta(hours=hours)
        seen_s = hours * 3600 + average_count_rate_time_s(FRAME_S, half_life_s=PHYSICAL_S)
        acquisition = PetAcquisition(
            units=PetUnits.BQML,
            decay_reference=reference,
            corrected_image=("ATTN",) if reference is DecayReference.NONE else ("DECY", "ATTN"),
            radionuclide="177 Lutetium",
            half_life_s=PHYSICAL_S,
            injected_bq=7e9,
            injection=GIVEN,
            series_start=start,
            slices=tuple(PetSlice(acquisition_start=start, frame_duration_s=FRAME_S) for _ in range(SIDE)),
        )
        frame = f"1.2.{int(hours)}"
        grid = Grid((SIDE,) * 3, (SPACING_MM,) * 3, (0.0, 0.0, 0.0), AXIAL, frame_of_reference=frame)
        away = _distance(grid)
        ball, body = away <= RADIUS_MM, away <= BODY_MM
        back_s = {DecayReference.ADMIN: seen_s, DecayReference.START: seen_s - hours * 3600}.get(
            reference, 0.0
        )
        corrected = 2.0 ** (back_s / PHYSICAL_S)
        values = np.where(body, body_bq_ml * 2.0 ** (-seen_s / (3600 * body_half_life_h)), 0.0)
        values[ball] = BALL_BQ_ML * 2.0 ** (-seen_s / (3600 * ball_half_life_h))
        image = Image((corrected * values).astype(np.float32), grid, Quantity.ACTIVITY_CONCENTRATION, MADE)
        lesion = Structure("lesion", mask=Image(ball, grid, Quantity.LABEL, MADE))
        return ActivityScan(f"scan at {hours} h", image, acquisition, StructureSet((lesion,), frame, MADE))

    return make
