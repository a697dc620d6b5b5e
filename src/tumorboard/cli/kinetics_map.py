"""``tumorboard kinetics map``: a kinetic model in every voxel of a dynamic scan."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.cli import kinetics_options as options
from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import DEFAULT_DELAY_BOUNDS_S, KineticsConfig
from tumorboard.workflows.printable import printable

__all__ = ["map_voxels"]

_Folder = Annotated[Path, typer.Argument(metavar="FOLDER", help="Of the scan, in BIDS-PET.")]
_Out = Annotated[Path, typer.Option("--out", help="Folder of the derivatives; made where absent.")]
_Parameters = Annotated[
    list[str] | None, typer.Option("--parameter", help="To map; may be repeated; all if none.")
]
_Dicom = Annotated[
    str | None,
    typer.Option(
        "--dicom-start",
        metavar="YYYY-MM-DDTHH:MM:SS",
        help="Of the injection; writes DICOM too: BIDS knows no date.",
    ),
]


def map_voxels(
    folder: _Folder,
    model: options.Model,
    out: _Out,
    subject: Annotated[str | None, typer.Option(help="Where there are several.")] = None,
    parameter: _Parameters = None,
    no_errors: Annotated[bool, typer.Option("--no-errors", help="Leave out standard errors.")] = False,
    jobs: Annotated[int, typer.Option(min=1, help="Threads at most.")] = 2,
    dicom_start: _Dicom = None,
    reference: options.Reference = None,
    frame_model: options.FrameModel = None,
    weights: options.Weights = None,
    t_star_frames: options.TStarFrames = None,
    t_star_min: options.TStarMin = None,
    t_star_all: options.TStarAll = False,
    point_weights: options.PointWeights = None,
    vb: options.Vb = None,
    most_relative_vt_error: options.MostRelativeVtError = None,
    rates_per_min: options.RatesPerMin = None,
    k2a_range_per_min: options.K2aRangePerMin = None,
    k2_prime_per_min: options.K2PrimePerMin = None,
    window_min: options.WindowMin = None,
    delay_s: options.DelayS = None,
    fit_delay: options.FitDelay = None,
    delay_bounds_s: options.DelayBoundsS = DEFAULT_DELAY_BOUNDS_S,
    delay_model: options.DelayModel = None,
    end_rule: options.EndRule = None,
    parent: options.Parent = None,
    plasma_over_blood: options.PlasmaOverBlood = None,
    to_json: ToJson = "",
) -> None:
    """Fit one model to every voxel of a dynamic scan, and write its maps as NIfTI, and as DICOM if asked.

    Voxels of all regions of a *_dseg.nii.gz where there is one, else all bright ones. Times and delays [s] or
    [min] as the option says. An interrupt leaves no half file.
    """
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.kinetics.maps import MapChoices, run_maps

    config = KineticsConfig(
        model=model.lower(),
        reference=reference,
        frame_model=frame_model,
        weighting=weights,
        t_star=options.t_star_choice(None, t_star_frames, t_star_min, t_star_all),
        point_weights=point_weights,
        vb=vb,
        delay_s=delay_s,
        delay_region=fit_delay,
        delay_bounds_s=delay_bounds_s,
        delay_model=delay_model,
        end_rule=end_rule,
        parent=parent,
        plasma_over_blood=plasma_over_blood,
        most_relative_vt_error=most_relative_vt_error,
        rates_per_min=rates_per_min,
        k2a_range_per_min=k2a_range_per_min,
        k2_prime_per_min=k2_prime_per_min,
        window_min=window_min,
    )
    choices = MapChoices(subject, tuple(parameter or ()), not no_errors, jobs, _moment(dicom_start))
    with shown_progress() as progress:
        found = run_maps(config, choices, folder, out, progress=progress).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(printable(line))


def _moment(text: str | None) -> datetime | None:
    try:
        return None if text is None else datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"dicom_start must be a date and time; got {text!r}; say --dicom-start 2026-01-31T09:30:00"
        ) from None


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{found['model']}: {found['voxels']} voxels in {found['fit_s']:.1f} s"]
    for name, one in found["maps"].items():
        unit = "" if one["unit"] == "1" else f" {one['unit']}"
        middle = (
            "no voxel has a result"
            if one["median"] is None
            else f"median {one['median']:.4g}{unit}, 5 % to 95 %: {one['percentile_5']:.4g} to "
            f"{one['percentile_95']:.4g}, in {one['voxels']} voxels"
        )
        lines.append(f"  {name}: {middle}")
    flagged = ", ".join(f"{name.replace('_', ' ')} {n}" for name, n in found["flagged_voxels"].items() if n)
    lines += [f"Flagged voxels: {flagged}"] if flagged else []
    lines += [f"Note: {note}" for note in found["notes"]]
    return lines + [f"Wrote {path}" for path in found["files"]]
