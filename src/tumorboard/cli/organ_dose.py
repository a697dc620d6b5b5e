"""``tumorboard organ-dose``: doses to organs from a radiopharmaceutical."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.workflows.nuclide.config import LIBRARIES
from tumorboard.workflows.organ_dose.config import OrganDoseConfig

__all__ = ["organ_dose"]


def organ_dose(
    radiopharmaceutical: Annotated[
        str, typer.Option(help="Biokinetic model: fdg, or a TOML file of your own.", show_default=False)
    ],
    mbq: Annotated[float, typer.Option(help="Administered activity [MBq].", show_default=False)],
    library: Annotated[str, typer.Option(help=f"Whose decay data: {' or '.join(LIBRARIES)}.")] = LIBRARIES[0],
    histories: Annotated[int, typer.Option(help="Decays to follow from each source.")] = 1_000_000,
    spacing_mm: Annotated[float, typer.Option(help="Edge of the phantom's voxels [mm].")] = 3.5,
    threads: Annotated[int, typer.Option(help="At a time; results do not depend on them.")] = 2,
    seed: Annotated[int, typer.Option(help="Of the random streams.")] = 1,
    cache: Annotated[
        Path | None, typer.Option(help="Folder to keep S-values in; else the user's.", show_default=False)
    ] = None,
    to_json: ToJson = "",
) -> None:
    """Calculate doses to the organs of a stylised adult, and the effective dose.

    The first call follows decays and takes minutes; S-values are kept, so that the next takes seconds.
    Uncertainties are those of the transport's statistics. For protection and diagnostics, not for therapy.
    Voxels of 3.5 mm, the edge spacing_mm [mm], hold organs' masses within a few per cent.
    """
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.organ_dose.run import run

    config = OrganDoseConfig(
        radiopharmaceutical,
        mbq,
        library=library,
        histories=histories,
        spacing_mm=spacing_mm,
        seed=seed,
        threads=threads,
        cache=cache,
    )
    with shown_progress() as progress:
        found = run(config, progress=progress).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(line)


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [
        f"{found['radiopharmaceutical']}, {found['administered_mbq']:g} MBq, in a {found['phantom']}",
        f"Biokinetics: {', '.join(found['biokinetics'])}",
        *_progeny(found),
        "Time-integrated activity per administered activity [h]",
    ]
    lines += [f"  {source}: {hours:.4g}" for source, hours in found["time_integrated_activity_h"].items()]
    lines.append("Absorbed dose [mGy], per administered activity [mGy/MBq], statistical uncertainty")
    for row in sorted(found["organs"], key=lambda row: -row["dose_mgy"]):
        spread = row["relative_uncertainty"]
        shown = "none scored" if spread is None else f"{100 * spread:.1f} %"
        lines.append(f"  {row['organ']}: {row['dose_mgy']:.3g}, {row['dose_mgy_per_mbq']:.2g}, {shown}")
    lines.append("Effective dose [mSv], per administered activity [mSv/MBq]")
    for name, value in found["effective_dose_msv"].items():
        lines.append(f"  {name}: {value:.3g}, {found['effective_dose_msv_per_mbq'][name]:.2g}")
    stand_ins = ", ".join(f"{tissue} by {target}" for tissue, target in found["surrogates"].items())
    lines.append(f"Not in the phantom, dose of another: {stand_ins}")
    return lines


def _progeny(found: dict[str, Any]) -> list[str]:
    """Say what decays with the nuclide, and what is left out."""
    lines = []
    if found["progeny_with_parent"]:
        shares = ", ".join(f"{name} ({share:.4g})" for name, share in found["progeny_with_parent"].items())
        lines.append(f"Progeny that decays where it is made, per decay: {shares}")
    if found["progeny_left_out"]:
        lines.append(f"Progeny that is not counted: {', '.join(found['progeny_left_out'])}")
    return lines
