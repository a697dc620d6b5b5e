"""``tumorboard transport``: the transport's own numbers, for anyone to check."""

from __future__ import annotations

from typing import Annotated

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.errors import InputError
from tumorboard.workflows.transport.config import PARTICLES, WaterConfig

__all__ = ["app"]

app = typer.Typer(
    help="Follow particles through matter by Monte Carlo.", no_args_is_help=True, rich_markup_mode=None
)


@app.callback()
def _group() -> None:
    """Follow particles through matter by Monte Carlo."""


@app.command()
def water(
    energy_mev: Annotated[float, typer.Option(help="Kinetic energy [MeV].")],
    histories: Annotated[str, typer.Option(help="Particles to follow, e.g. 1e6.")],
    particle: Annotated[str, typer.Option(help=f"One of {', '.join(PARTICLES)}.")] = "proton",
    voxel_mm: Annotated[float, typer.Option(help="Edge of the cubic voxels [mm].")] = 2.0,
    width_mm: Annotated[float, typer.Option(help="Of the box across the beam [mm].")] = 150.0,
    threads: Annotated[int, typer.Option(help="At a time; results do not depend on them.")] = 1,
    seed: Annotated[int, typer.Option(help="Of the random streams.")] = 1,
    mean_excitation_ev: Annotated[
        float, typer.Option(help="Of the water: 77.7 as MCsquare's, 78 by ICRU 90, 75 by ICRU 49 [eV].")
    ] = 77.7,
    to_json: ToJson = "",
) -> None:
    """Send a thin beam of one energy into a box of water, and say what became of it.

    histories_per_s counts wall time of the transport alone, once compiled code and tables are ready.
    """
    from tumorboard.cli.progress import shown_progress
    from tumorboard.workflows.transport.water import run

    config = WaterConfig(
        particle=particle,
        energy_mev=energy_mev,
        histories=_whole(histories),
        voxel_mm=voxel_mm,
        threads=threads,
        seed=seed,
        width_mm=width_mm,
        mean_excitation_ev=mean_excitation_ev,
    )
    with shown_progress() as progress:
        found = run(config, progress=progress).to_dict()
    balance = found.pop("balance")
    if to_json:
        put_json(found, to_json)
        return
    for name, value in found.items():
        typer.echo(f"{name}: {'none' if value is None else format(value, '.6g')}")
    for name, value in balance.items():
        typer.echo(f"balance {name}: {value:.6g}")


def _whole(text: str) -> int:
    """Return a number of histories as people write it."""
    try:
        value = float(text)
        if value == int(value):
            return int(value)
    except (ValueError, OverflowError):
        pass
    raise InputError(f"histories must be a whole number, such as 100000 or 1e6; got {text!r}")
