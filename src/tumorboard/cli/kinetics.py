"""``tumorboard kinetics``: kinetic models through curves of regions."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import (
    END_RULES,
    FRAME_MODELS,
    MODELS,
    PARENTS,
    POINT_WEIGHTS,
    WEIGHTINGS,
    KineticsConfig,
    TStarChoice,
)
from tumorboard.workflows.printable import printable

__all__ = ["app"]

app = typer.Typer(
    name="kinetics",
    help="Kinetic models of a tracer: rates, volumes of distribution, binding.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

_Floats = tuple[float, float]
_TABLES, _INPUT, _FIT = "Tables", "Blood", "Model"


def _option(name: str, text: str, panel: str) -> Any:
    return typer.Option(name, help=text, rich_help_panel=panel, show_default=False)


@app.callback()
def _kinetics() -> None:
    """Keep ``fit`` a command of its own."""


@app.command()
def fit(
    tac: Annotated[
        Path, _option("--tac", "Curves of regions: .tsv (BIDS, PETPrep), .tac (PMOD), .csv.", _TABLES)
    ],
    model: Annotated[str, _option("--model", f"One of {', '.join(MODELS)}.", _FIT)],
    blood: Annotated[
        list[Path] | None,
        _option("--blood", "Samples: BIDS .tsv, PMOD .bld, .csv; may be repeated.", _TABLES),
    ] = None,
    reference: Annotated[str | None, _option("--reference", "Region without specific binding.", _FIT)] = None,
    region: Annotated[
        list[str] | None, _option("--region", "To fit; may be repeated; all if none.", _TABLES)
    ] = None,
    frame_model: Annotated[
        str | None, _option("--frame-model", f"{' or '.join(FRAME_MODELS)}; average if none.", _FIT)
    ] = None,
    weights: Annotated[
        str | None,
        _option("--weights", f"{', '.join(WEIGHTINGS)}; the table's if none, else duration.", _FIT),
    ] = None,
    t_star_residual: Annotated[
        float | None,
        _option("--t-star-residual", "From where no residual is above this part; 0.1 if none.", _FIT),
    ] = None,
    t_star_frames: Annotated[int | None, _option("--t-star-frames", "The last so many frames.", _FIT)] = None,
    t_star_min: Annotated[
        float | None, _option("--t-star-min", "Frames from this time on [min].", _FIT)
    ] = None,
    t_star_all: Annotated[bool, _option("--t-star-all", "All frames.", _FIT)] = False,
    point_weights: Annotated[
        str | None,
        _option("--point-weights", f"Of plots: {' or '.join(POINT_WEIGHTS)}; propagated if none.", _FIT),
    ] = None,
    vb: Annotated[float | None, _option("--vb", "Share of blood in tissue; 0.05 if none.", _FIT)] = None,
    fit_vb: Annotated[
        _Floats | None, _option("--fit-vb", "Find the share of blood between two bounds.", _FIT)
    ] = None,
    most_relative_vt_error: Annotated[
        float | None,
        _option("--most-relative-vt-error", "Withholds VT of compartments; 0.1 if none.", _FIT),
    ] = None,
    rates_per_min: Annotated[
        _Floats | None, _option("--rates-per-min", "Slowest and fastest of the spectrum [1/min].", _FIT)
    ] = None,
    k2a_range_per_min: Annotated[
        _Floats | None,
        _option("--k2a-range-per-min", "Searched by SRTM and SRTM2; 0.001 2 if none [1/min].", _FIT),
    ] = None,
    k2_prime_per_min: Annotated[
        float | None,
        _option("--k2-prime-per-min", "Of the reference; 0 leaves it out of reflogan [1/min].", _FIT),
    ] = None,
    window_min: Annotated[_Floats | None, _option("--window-min", "Of SUVR [min].", _FIT)] = None,
    until_min: Annotated[
        float | None, _option("--until-min", "Leave out frames that end later [min].", _TABLES)
    ] = None,
    delay_s: Annotated[
        float | None, _option("--delay-s", "Tissue sees blood so much later; 0 if none [s].", _INPUT)
    ] = None,
    fit_delay: Annotated[
        str | None, _option("--fit-delay", "Region to find the delay from, by 2tcm.", _INPUT)
    ] = None,
    delay_bounds_s: Annotated[
        _Floats, typer.Option(help="Delays that are tried [s].", rich_help_panel=_INPUT)
    ] = (-30.0, 30.0),
    end_rule: Annotated[
        str | None,
        _option("--end-rule", f"Blood that ends early: {' or '.join(END_RULES)}; refuse if none.", _INPUT),
    ] = None,
    parent: Annotated[
        str | None,
        _option(
            "--parent", f"Of plasma: {', '.join(PARENTS)}; interpolated where there are samples.", _INPUT
        ),
    ] = None,
    plasma_over_blood: Annotated[
        float | None, _option("--plasma-over-blood", "Where only one of the two was measured.", _INPUT)
    ] = None,
    later_samples: Annotated[
        bool, _option("--later-samples", "Second file goes on where the first ends.", _INPUT)
    ] = False,
    tac_units: Annotated[
        str | None, _option("--tac-units", "Where the table has none: s,kBq/mL or min,Bq/mL.", _TABLES)
    ] = None,
    blood_units: Annotated[str | None, _option("--blood-units", "Likewise, of a .csv.", _TABLES)] = None,
    tac_columns: Annotated[
        str | None,
        _option("--tac-columns", "Of a .csv: start=HEADER,duration=HEADER,weights=HEADER.", _TABLES),
    ] = None,
    blood_columns: Annotated[
        str | None,
        _option("--blood-columns", "time=HEADER,plasma=,whole_blood=,parent_fraction=.", _TABLES),
    ] = None,
    where: Annotated[
        list[str] | None, _option("--where", "HEADER=CELL selects rows of a .csv; may be repeated.", _TABLES)
    ] = None,
    to_json: Annotated[
        str, typer.Option("--json", help="Write JSON to this file, or to standard output: -.")
    ] = "",
) -> None:
    """Fit one model to curves of regions, driven by blood or by a reference region.

    Units: times and delays [s] or as the option says [min]; VT in mL/cm3, K1 in mL/cm3/min, rates in 1/min.
    Curves and blood are taken for decay-corrected to the injection. Every choice is told with the result.
    """
    from tumorboard.workflows.kinetics.read import TableChoices, read_blood, read_curves
    from tumorboard.workflows.kinetics.run import KineticsInputs, run

    config = KineticsConfig(
        model=model.lower(),
        reference=reference,
        regions=tuple(region or ()),
        frame_model=frame_model,
        weighting=weights,
        t_star=_t_star(t_star_residual, t_star_frames, t_star_min, t_star_all),
        point_weights=point_weights,
        vb=_vb(vb, fit_vb),
        delay_s=delay_s,
        delay_region=fit_delay,
        delay_bounds_s=delay_bounds_s,
        end_rule=end_rule,
        parent=parent,
        plasma_over_blood=plasma_over_blood,
        most_relative_vt_error=most_relative_vt_error,
        rates_per_min=rates_per_min,
        k2a_range_per_min=k2a_range_per_min,
        k2_prime_per_min=k2_prime_per_min,
        window_min=window_min,
        until_min=until_min,
    )
    rows = _named(where or [], "--where")
    tissue = TableChoices(_units(tac_units, "--tac-units"), _columns(tac_columns, "--tac-columns"), rows)
    samples = TableChoices(
        _units(blood_units, "--blood-units"), _columns(blood_columns, "--blood-columns"), rows
    )
    named = [*(region or []), *(name for name in (reference, fit_delay) if name)]
    if config.uses_reference and blood:
        raise InputError(f"blood must be left out for {config.model}, which a reference region drives")
    curves = read_curves(tac, tissue, named)
    blood_samples = read_blood(blood, samples, later_samples=later_samples) if blood else None
    found = run(config, KineticsInputs(curves, blood_samples)).to_dict()
    if not to_json:
        for line in _lines(found):
            typer.echo(printable(line))
        return
    text = json.dumps(found, indent=1, allow_nan=False)
    if to_json == "-":
        typer.echo(text)
    else:
        Path(to_json).write_text(text + "\n", encoding="utf-8")


def _t_star(
    residual: float | None, frames: int | None, minutes: float | None, everything: bool
) -> TStarChoice | None:
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


def _vb(fixed: float | None, bounds: _Floats | None) -> float | _Floats | None:
    if fixed is not None and bounds is not None:
        raise InputError("vb must be given or fitted; got both; leave out --vb or --fit-vb")
    return fixed if bounds is None else bounds


def _units(text: str | None, option: str) -> tuple[str, str] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != 2 or not all(parts):
        raise InputError(
            f"{option} must be the unit of time and that of concentration; got {text!r}; say "
            f"{option} s,kBq/mL"
        )
    return parts[0], parts[1]


def _columns(text: str | None, option: str) -> dict[str, str]:
    return {} if text is None else _named(text.split(","), option)


def _named(texts: list[str], option: str) -> dict[str, str]:
    found = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip() or not value.strip():
            raise InputError(f"{option} must be NAME=VALUE; got {text!r}")
        found[name.strip()] = value.strip()
    return found


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{one['model']}" for one in found["fits"][:1]]
    for one in found["fits"]:
        lines.append(f"  {one['region']}" + (f"  [{', '.join(one['flags'])}]" if one["flags"] else ""))
        for name, p in one["parameters"].items():
            value = "not determined" if p["value"] is None else f"{p['value']:.5g}"
            error = "?" if p["standard_error"] is None else f"{p['standard_error']:.2g}"
            unit = "" if p["unit"] == "1" else f" {p['unit']}"
            lines.append(f"    {name}: {value} +- {error}{unit}")
        if one["aicc"] is not None:
            lines.append(f"    AICc: {one['aicc']:.2f}")
    if found["delay"] is not None:
        delay = found["delay"]
        flags = f" [{', '.join(delay['flags'])}]" if delay["flags"] else ""
        lines.append(f"Delay from {delay['region']}: {delay['value_s']:.2f} s{flags}")
    lines.append("Choices, those by default marked *:")
    left = set(found["chosen_by_default"])
    lines += [
        f"  {name}{'*' if name in left else ''}: {value}"
        for name, value in found["choices"].items()
        if value is not None
    ]
    return lines + [f"Note: {note}" for note in found["notes"]]
