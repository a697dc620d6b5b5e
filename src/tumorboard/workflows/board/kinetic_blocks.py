"""Tables and pictures of kinetic fits for the report."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np

from tumorboard.core.blood import BloodSamples
from tumorboard.pet.kinetics.fit import FitFlag, KineticFit, KineticParameter
from tumorboard.pet.kinetics.input_function import InputFunction
from tumorboard.plotting.blocks import Align, Block, Cell, Facts, Fold, Gallery, Note, Picture, Table
from tumorboard.plotting.blood_curves import BloodLine, blood_curves
from tumorboard.plotting.graphical_plot import GraphicalLine, graphical_plot
from tumorboard.plotting.kinetic_fit import FittedCurve, kinetic_fit
from tumorboard.plotting.number_format import ABSENT, format_number
from tumorboard.workflows.board.kinetic_models import KineticModels
from tumorboard.workflows.kinetics.result import KineticsResult

__all__ = ["fit_facts", "fit_pictures", "fit_tables"]

#: Of each kind of model, what its table says of a region.
_COLUMNS: Final = {
    "1tcm": ("K1", "k2", "VT"),
    "2tcm": ("K1", "k2", "k3", "k4", "BPND"),
    "logan": ("VT", "intercept"),
    "ma1": ("VT",),
    "srtm": ("BPND", "R1", "k2", "k2'"),
    "mrtm1": ("BPND", "R1", "k2", "k2'"),
}
_TITLES: Final = {
    "1tcm": "One tissue compartment",
    "2tcm": "Two tissue compartments",
    "logan": "Logan plot",
    "ma1": "Multilinear analysis MA1",
    "srtm": "Simplified reference tissue model",
    "mrtm1": "Multilinear reference tissue model MRTM1",
}
#: The number that each kind is fitted for.
_MAIN: Final = {"srtm": "BPND", "mrtm1": "BPND"}
_MOST_DRAWN: Final = 6
#: A table longer than this is folded away.
_LONG: Final = 12
_EARLY_S: Final = 300.0


def fit_facts(models: KineticModels) -> Facts:
    """Return what was fitted how.

    Parameters
    ----------
    models
        The fits.
    """
    result = next(iter(models.results.values()))
    curves = result.curves
    pairs: list[tuple[str, str | float]] = [
        ("Models", ", ".join(_TITLES[name] for name in models.results)),
        ("Frames", f"{curves.n_frames}, to {curves.frame_end_s[-1] / 60:.1f} min"),
        ("Regions", len(curves.regions)),
    ]
    choices = result.choices()
    if result.blood is not None:
        pairs.append(("Share of blood in tissue", f"{choices['vb']:g}, fixed"))
        pairs.append(("Delay of the blood [s]", _delay_words(models, float(choices["delay_s"]))))
    else:
        pairs.append(("Reference", str(choices["reference"])))
    starts = {
        name: _t_star_words(models.results[name]) for name in ("logan", "ma1") if name in models.results
    }
    pairs += [(f"{_TITLES[name]} from", words) for name, words in starts.items()]
    return Facts(tuple(pairs))


def _delay_words(models: KineticModels, used_s: float) -> str:
    if models.delay is None:
        return f"{used_s:.1f}, as stated"
    error = models.delay["standard_error_s"]
    spread = "" if error is None else f" ± {error:.1f}"
    return f"{used_s:.1f}{spread}, from the mean of all regions by {models.delay['model']}"


def _t_star_words(result: KineticsResult) -> str:
    """Return from when on the regions' lines go, by the rule that was chosen."""
    firsts = result.t_star_min().values()
    return f"{min(firsts):.1f} to {max(firsts):.1f} min by region: {result.choices()['t_star']}"


def fit_tables(models: KineticModels) -> list[Block]:
    """Return a table of the main numbers of all models, and one of each model.

    Parameters
    ----------
    models
        The fits.
    """
    found = models.results
    regions = next(iter(found.values())).curves.regions
    both = {"1tcm", "2tcm"} <= found.keys()
    flagged = any(fit.flags for fit in models.fits)
    columns = ["Region", *(f"{_short(name)}{_unit(found[name])}" for name in found)]
    columns += ["AICc, 2TCM − 1TCM"] * both
    rows: list[tuple[Cell, ...]] = []
    for k, region in enumerate(regions):
        fits = {name: result.fits[k] for name, result in found.items()}
        row: list[Cell] = [
            region,
            *(_number(fit.parameters[_main(n)]) + " *" * bool(fit.flags) for n, fit in fits.items()),
        ]
        if both:
            row.append(fits["2tcm"].aicc - fits["1tcm"].aicc)
        rows.append(tuple(row))
    what = "Binding potential BPND" if _MAIN.keys() & found.keys() else "Volume of distribution VT"
    table = Table(f"{what} by model, ± standard error", tuple(columns), tuple(rows), _align(len(columns)))
    blocks: list[Block] = [table]
    if flagged:
        blocks.append(Note("*: below the model's own table stands what to beware of."))
    if both:
        blocks.append(
            Note("AICc below 0 in the table says that the second compartment is worth its parameters.")
        )
    details = [
        *(block for name, result in found.items() for block in _detail(name, result)),
        *_legend(models.fits),
    ]
    if len(regions) > _LONG:
        return [*blocks, Fold("Parameters of each model", tuple(details))]
    return [*blocks, *details]


def _detail(name: str, result: KineticsResult) -> list[Block]:
    """Return one model's table, and below it which regions have which flag."""
    names = [n for n in _COLUMNS[name] if n in result.fits[0].parameters]
    units = [result.fits[0].parameters[n].unit for n in names]
    # Two compartments fill the page's width; their VT and AICc stand above, beside those of one.
    ends = () if name == "2tcm" else ("AICc",)
    columns = (
        "Region",
        *(n if u == "1" else f"{n} [{u}]" for n, u in zip(names, units, strict=True)),
        *ends,
    )
    rows: list[tuple[Cell, ...]] = [
        (fit.region, *(_number(fit.parameters[n]) for n in names), *[fit.aicc] * len(ends))
        for fit in result.fits
    ]
    blocks: list[Block] = [Table(_TITLES[name], columns, tuple(rows), _align(len(columns)))]
    said = []
    for flag in dict.fromkeys(flag for fit in result.fits for flag in fit.flags):
        regions = [fit.region for fit in result.fits if flag in fit.flags]
        where = "all regions" if len(regions) == len(result.fits) else ", ".join(regions)
        said.append(f"{_word(flag)} in {where}")
    return [*blocks, Note(f"{_TITLES[name]}: {'; '.join(said)}.")] if said else blocks


def _align(n_columns: int) -> tuple[Align, ...]:
    """Return regions to the left, numbers with their errors to the right."""
    return (Align.LEFT, *[Align.RIGHT] * (n_columns - 1))


def _legend(fits: Sequence[KineticFit]) -> list[Block]:
    seen = dict.fromkeys(flag for fit in fits for flag in fit.flags)
    if not seen:
        return []
    return [Note("; ".join(f"{_word(flag)}: {flag.value}" for flag in seen) + ".")]


def _word(flag: FitFlag) -> str:
    return flag.name.lower().replace("_", " ").replace("vt", "VT")


def _main(name: str) -> str:
    return _MAIN.get(name, "VT")


def _short(name: str) -> str:
    return {"logan": "Logan"}.get(name, name.upper())


def _unit(result: KineticsResult) -> str:
    unit = result.fits[0].parameters[_main(result.config.model)].unit
    return "" if unit == "1" else f" [{unit}]"


def _number(one: KineticParameter) -> str:
    """Return value and standard error, with as many digits as the error leaves a meaning."""
    if not math.isfinite(one.value):
        return ABSENT
    if not (math.isfinite(one.standard_error) and one.standard_error > 0):
        return format_number(one.value, digits=4)
    if one.standard_error > abs(one.value):
        return f"{format_number(one.value, digits=2)} ± {format_number(one.standard_error, digits=2)}"
    places = max(0, 1 - math.floor(math.log10(one.standard_error)))
    if places > 6 or abs(one.value) >= 1e5:
        return f"{format_number(one.value, digits=4)} ± {format_number(one.standard_error, digits=2)}"
    return f"{one.value:.{places}f} ± {one.standard_error:.{places}f}".replace("-", "−")


def fit_pictures(models: KineticModels, samples: BloodSamples | None) -> list[Block]:
    """Return the blood, fits with residuals, and the Logan plot, of the first few regions.

    Parameters
    ----------
    models
        The fits.
    samples
        Of blood.
    """
    made: list[Picture] = []
    result = next(iter(models.results.values()))
    if result.blood is not None and samples is not None:
        made.append(_blood_picture(samples, result.blood, float(result.curves.frame_end_s[-1])))
    for name in ("1tcm", "2tcm", "srtm"):
        if name in models.results:
            made.append(_fit_picture(name, models.results[name].fits[:_MOST_DRAWN]))
    if "logan" in models.results:
        made.append(_plot_picture(models.results["logan"].fits[:_MOST_DRAWN]))
    more = len(result.curves.regions) - _MOST_DRAWN
    blocks: list[Block] = [Gallery(tuple(made))]
    if more > 0:
        blocks.append(Note(f"Pictures show the first {_MOST_DRAWN} regions; {more} more are in the tables."))
    return blocks


def _fit_picture(name: str, fits: Sequence[KineticFit]) -> Picture:
    curves = [
        FittedCurve(
            fit.region, _said(fit, _main(name)), fit.mid_s, fit.measured_bq_ml, fit.fitted_bq_ml, fit.weights
        )
        for fit in fits
    ]
    return Picture(
        kinetic_fit(curves, model=_TITLES[name]),
        f"{_TITLES[name]}: measured, fitted, and what is left",
        f"Curves of {len(curves)} regions over time with the fit of {_TITLES[name]} and the residuals below",
    )


def _plot_picture(fits: Sequence[KineticFit]) -> Picture:
    lines = [
        GraphicalLine(
            fit.region,
            _said(fit, "VT"),
            fit.plot.x,
            fit.plot.y,
            fit.plot.included,
            fit.plot.slope,
            fit.plot.intercept,
        )
        for fit in fits
        if fit.plot is not None
    ]
    plot = next(fit.plot for fit in fits if fit.plot is not None)
    return Picture(
        graphical_plot(lines, title="Logan plot", x_label=plot.x_label, y_label=plot.y_label),
        "Logan plot: filled points are those of the line, whose slope is VT",
        f"Logan plot of {len(lines)} regions with the line through the late points",
    )


def _said(fit: KineticFit, name: str) -> str:
    one = fit.parameters[name]
    unit = "" if one.unit == "1" else f" {one.unit}"
    return f"{name} {_number(one)}{unit}" if math.isfinite(one.value) else f"{name} not determined"


def _blood_picture(samples: BloodSamples, blood: InputFunction, end_s: float) -> Picture:
    nothing = np.empty(0)
    lines = [
        BloodLine(
            "unchanged tracer in plasma", "", nothing, nothing, blood.times_s, blood.parent_plasma_bq_ml
        ),
        BloodLine(
            "whole blood",
            "",
            nothing if samples.whole_blood is None else samples.whole_blood.times_s,
            nothing if samples.whole_blood is None else samples.whole_blood.values,
            blood.times_s,
            blood.whole_blood_bq_ml,
        ),
    ]
    return Picture(
        blood_curves(lines, early_s=_EARLY_S, scan_end_s=end_s),
        "Blood as the models are driven with it, delay taken out; points as sampled",
        "Curves of unchanged tracer in plasma and of whole blood, early and over the whole scan",
    )
