"""Options of ``tumorboard kinetics``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import (
    DEFAULT_K2A_RANGE_PER_MIN,
    DEFAULT_RESIDUAL,
    DEFAULT_VB,
    DEFAULT_VT_ERROR,
    DELAY_MODELS,
    END_RULES,
    FRAME_MODELS,
    MODELS,
    PARENTS,
    POINT_WEIGHTS,
    WEIGHTINGS,
    TStarChoice,
)

__all__ = [
    "Blood",
    "BloodColumns",
    "BloodUnits",
    "DelayBoundsS",
    "DelayModel",
    "DelayS",
    "EndRule",
    "FitDelay",
    "FitVb",
    "Floats",
    "FrameModel",
    "K2PrimePerMin",
    "K2aRangePerMin",
    "LaterSamples",
    "Model",
    "MostRelativeVtError",
    "Parent",
    "PlasmaOverBlood",
    "PointWeights",
    "RatesPerMin",
    "Reference",
    "Region",
    "TStarAll",
    "TStarFrames",
    "TStarMin",
    "TStarResidual",
    "Tac",
    "TacColumns",
    "TacUnits",
    "UntilMin",
    "Vb",
    "Weights",
    "Where",
    "WindowMin",
    "t_star_choice",
]

Floats = tuple[float, float]
_K2A_RANGE = " ".join(f"{rate:g}" for rate in DEFAULT_K2A_RANGE_PER_MIN)
_TABLES, _INPUT, _FIT = "Tables", "Blood", "Model"


def _option(name: str, text: str, panel: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, show_default=False)


Tac = Annotated[
    Path, _option("--tac", "Curves of regions: .tsv (BIDS, PETPrep), .tac (PMOD), .csv.", _TABLES)
]
Model = Annotated[str, _option("--model", f"One of {', '.join(MODELS)}.", _FIT)]
Blood = Annotated[
    list[Path] | None, _option("--blood", "Samples: BIDS .tsv, PMOD .bld, .csv; may be repeated.", _TABLES)
]
Reference = Annotated[str | None, _option("--reference", "Region without specific binding.", _FIT)]
Region = Annotated[list[str] | None, _option("--region", "To fit; may be repeated; all if none.", _TABLES)]
FrameModel = Annotated[
    str | None, _option("--frame-model", f"{' or '.join(FRAME_MODELS)}; average if none.", _FIT)
]
Weights = Annotated[
    str | None, _option("--weights", f"{', '.join(WEIGHTINGS)}; the table's if none, else duration.", _FIT)
]
TStarResidual = Annotated[
    float | None,
    _option(
        "--t-star-residual", f"From where no residual is above this part; {DEFAULT_RESIDUAL:g} if none.", _FIT
    ),
]
TStarFrames = Annotated[int | None, _option("--t-star-frames", "The last so many frames.", _FIT)]
TStarMin = Annotated[float | None, _option("--t-star-min", "Frames from this time on [min].", _FIT)]
TStarAll = Annotated[bool, _option("--t-star-all", "All frames.", _FIT)]
PointWeights = Annotated[
    str | None,
    _option("--point-weights", f"Of plots: {' or '.join(POINT_WEIGHTS)}; propagated if none.", _FIT),
]
Vb = Annotated[float | None, _option("--vb", f"Share of blood in tissue; {DEFAULT_VB:g} if none.", _FIT)]
FitVb = Annotated[Floats | None, _option("--fit-vb", "Find the share of blood between two bounds.", _FIT)]
MostRelativeVtError = Annotated[
    float | None,
    _option("--most-relative-vt-error", f"Withholds VT of compartments; {DEFAULT_VT_ERROR:g} if none.", _FIT),
]
RatesPerMin = Annotated[
    Floats | None, _option("--rates-per-min", "Slowest and fastest of the spectrum [1/min].", _FIT)
]
K2aRangePerMin = Annotated[
    Floats | None,
    _option("--k2a-range-per-min", f"Searched by SRTM and SRTM2; {_K2A_RANGE} if none [1/min].", _FIT),
]
K2PrimePerMin = Annotated[
    float | None,
    _option("--k2-prime-per-min", "Of the reference; 0 leaves it out of reflogan [1/min].", _FIT),
]
WindowMin = Annotated[Floats | None, _option("--window-min", "Of SUVR [min].", _FIT)]
UntilMin = Annotated[float | None, _option("--until-min", "Leave out frames that end later [min].", _TABLES)]
DelayS = Annotated[
    float | None, _option("--delay-s", "Tissue sees blood so much later; 0 if none [s].", _INPUT)
]
FitDelay = Annotated[str | None, _option("--fit-delay", "Region to find the delay from.", _INPUT)]
DelayBoundsS = Annotated[Floats, typer.Option(help="Delays that are tried [s].", rich_help_panel=_INPUT)]
DelayModel = Annotated[
    str | None, _option("--delay-model", f"{' or '.join(DELAY_MODELS)}; 2tcm if none.", _INPUT)
]
EndRule = Annotated[
    str | None,
    _option("--end-rule", f"Blood that ends early: {' or '.join(END_RULES)}; refuse if none.", _INPUT),
]
Parent = Annotated[
    str | None,
    _option("--parent", f"Of plasma: {', '.join(PARENTS)}; interpolated where there are samples.", _INPUT),
]
PlasmaOverBlood = Annotated[
    float | None, _option("--plasma-over-blood", "Where only one of the two was measured.", _INPUT)
]
LaterSamples = Annotated[
    bool, _option("--later-samples", "Second file goes on where the first ends.", _INPUT)
]
TacUnits = Annotated[
    str | None, _option("--tac-units", "Where the table has none: s,kBq/mL or min,Bq/mL.", _TABLES)
]
BloodUnits = Annotated[str | None, _option("--blood-units", "Likewise, of a .csv.", _TABLES)]
TacColumns = Annotated[
    str | None, _option("--tac-columns", "Of a .csv: start=HEADER,duration=HEADER,weights=HEADER.", _TABLES)
]
BloodColumns = Annotated[
    str | None, _option("--blood-columns", "time=HEADER,plasma=,whole_blood=,parent_fraction=.", _TABLES)
]
Where = Annotated[
    list[str] | None, _option("--where", "HEADER=CELL selects rows of a .csv; may be repeated.", _TABLES)
]


def t_star_choice(
    residual: float | None, frames: int | None, minutes: float | None, everything: bool
) -> TStarChoice | None:
    """Return the one rule of t* that was typed; ``None`` where none was."""
    given = [
        TStarChoice(rule, value)
        for rule, value in (("residual", residual), ("frames", frames), ("from_min", minutes))
        if value is not None
    ]
    if everything:
        given.append(TStarChoice("all", 0))
    if len(given) > 1:
        raise InputError(f"t* must have one rule; got {len(given)}; keep one of the options --t-star-...")
    return given[0] if given else None
