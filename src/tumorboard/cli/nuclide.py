"""``tumorboard nuclide``: what a library knows of a nuclide."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.workflows.nuclide.config import LIBRARIES, NuclideConfig

__all__ = ["nuclide"]

#: Lines of each kind that are shown to people; JSON has all.
_SHOWN = 6
_TIMES = (("a", 365.25 * 86400.0), ("d", 86400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 1e-3))


def nuclide(
    name: Annotated[str, typer.Argument(help="In any usual spelling: Ac-225, 225Ac, Tc-99m.")],
    library: Annotated[str, typer.Option(help=f"Whose data: {' or '.join(LIBRARIES)}.")] = LIBRARIES[0],
    to_json: ToJson = "",
) -> None:
    """Show half-life, emissions and progeny of a nuclide, and where libraries differ.

    Energies of betas are means over their spectra; uncertainties are standard ones.
    """
    from tumorboard.workflows.nuclide.run import run

    found = run(NuclideConfig(name, library)).to_dict()
    if to_json:
        put_json(found, to_json)
        return
    for line in _lines(found):
        typer.echo(line)


def _time(seconds: float | None) -> str:
    if seconds is None:
        return "stable"
    for unit, length in _TIMES:
        if seconds >= length:
            return f"{seconds / length:.5g} {unit}"
    return f"{seconds:.4g} s"


def _lines(found: dict[str, Any]) -> list[str]:
    half_life = _time(found["half_life_s"])
    if found["half_life_s"] is not None:
        half_life += f" = {found['half_life_s']:.6g} s +- {found['half_life_uncertainty_s']:.2g} s"
    lines = [f"{found['nuclide']} by {found['library']}: {half_life}"]
    for mode in found["modes"]:
        lines.append(
            f"  {mode['mode']} to {mode['daughter'] or 'fragments'}: {100 * mode['branching']:.5g} %, "
            f"Q {mode['q_mev']:.5g} MeV"
        )
    lines.append("Mean energy per decay [keV]")
    columns = [found, *found["other_libraries"]]
    for kind in dict.fromkeys(k for column in columns for k in column["mean_energy_mev"]):
        values = ", ".join(
            f"{column['library']} {1e3 * column['mean_energy_mev'].get(kind, 0.0):.5g}" for column in columns
        )
        lines.append(f"  {kind}: {values}")
    for kind in found["mean_energy_mev"]:
        own = [e for e in found["emissions"] if e["kind"] == kind]
        lines.append(
            f"{kind}: {len(own)}" + (f", the {_SHOWN} with most energy" if len(own) > _SHOWN else "")
        )
        own.sort(key=lambda e: -e["energy_mev"] * e["yield_per_decay"])
        for e in own[:_SHOWN]:
            end = f", endpoint {1e3 * e['endpoint_mev']:.5g} keV" if "endpoint_mev" in e else ""
            lines.append(f"  {1e3 * e['energy_mev']:.6g} keV: {100 * e['yield_per_decay']:.4g} %{end}")
    lines.append("Chain: " + ", ".join(f"{m['nuclide']} ({_time(m['half_life_s'])})" for m in found["chain"]))
    return lines
