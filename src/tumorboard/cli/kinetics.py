"""``tumorboard kinetics``: kinetic models through curves of regions."""

from __future__ import annotations

from typing import Any

import typer

from tumorboard.cli import kinetics_options as options
from tumorboard.cli.json_output import ToJson, put_json
from tumorboard.cli.kinetics_map import map_voxels
from tumorboard.errors import InputError
from tumorboard.workflows.kinetics.config import DEFAULT_DELAY_BOUNDS_S, KineticsConfig
from tumorboard.workflows.printable import printable

__all__ = ["app"]

#: A standard error below this part of its value is rounding.
_ROUNDING = 1e-12

app = typer.Typer(
    name="kinetics",
    help="Kinetic models of a tracer: rates, volumes of distribution, binding.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


app.command("map")(map_voxels)


@app.command()
def fit(
    tac: options.Tac,
    model: options.Model,
    blood: options.Blood = None,
    reference: options.Reference = None,
    region: options.Region = None,
    frame_model: options.FrameModel = None,
    weights: options.Weights = None,
    t_star_residual: options.TStarResidual = None,
    t_star_frames: options.TStarFrames = None,
    t_star_min: options.TStarMin = None,
    t_star_all: options.TStarAll = False,
    point_weights: options.PointWeights = None,
    vb: options.Vb = None,
    fit_vb: options.FitVb = None,
    most_relative_vt_error: options.MostRelativeVtError = None,
    rates_per_min: options.RatesPerMin = None,
    k2a_range_per_min: options.K2aRangePerMin = None,
    k2_prime_per_min: options.K2PrimePerMin = None,
    window_min: options.WindowMin = None,
    until_min: options.UntilMin = None,
    delay_s: options.DelayS = None,
    fit_delay: options.FitDelay = None,
    delay_bounds_s: options.DelayBoundsS = DEFAULT_DELAY_BOUNDS_S,
    delay_model: options.DelayModel = None,
    end_rule: options.EndRule = None,
    parent: options.Parent = None,
    plasma_over_blood: options.PlasmaOverBlood = None,
    later_samples: options.LaterSamples = False,
    tac_units: options.TacUnits = None,
    blood_units: options.BloodUnits = None,
    tac_columns: options.TacColumns = None,
    blood_columns: options.BloodColumns = None,
    where: options.Where = None,
    to_json: ToJson = "",
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
        t_star=options.t_star_choice(t_star_residual, t_star_frames, t_star_min, t_star_all),
        point_weights=point_weights,
        vb=_vb(vb, fit_vb),
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
    put_json(found, to_json)


def _vb(fixed: float | None, bounds: options.Floats | None) -> float | options.Floats | None:
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


def _spread(parameter: dict[str, Any]) -> str:
    """Return the standard error in words; what was not free has none."""
    error = parameter["standard_error"]
    if error is None:
        return ", standard error not known,"
    if error <= _ROUNDING * abs(parameter["value"] or 0.0):
        return ", fixed"
    return f" +- {error:.2g}"


def _lines(found: dict[str, Any]) -> list[str]:
    lines = [f"{one['model']}" for one in found["fits"][:1]]
    for one in found["fits"]:
        lines.append(f"  {one['region']}" + (f"  [{', '.join(one['flags'])}]" if one["flags"] else ""))
        for name, p in one["parameters"].items():
            value = "not determined" if p["value"] is None else f"{p['value']:.5g}"
            unit = "" if p["unit"] == "1" else f" {p['unit']}"
            lines.append(f"    {name}: {value}{_spread(p)}{unit}")
        if found["t_star_min"] is not None:
            lines.append(f"    t*: {found['t_star_min'][one['region']]:.3g} min")
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
