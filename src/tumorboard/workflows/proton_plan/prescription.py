"""A prescription in TOML: read, checked, and refused in one sentence where it contradicts itself."""

from __future__ import annotations

import dataclasses
import hashlib
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, TypeVar

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.outcomes.complication import complication_models
from tumorboard.proton.optimisation.objectives.registry import OBJECTIVES, objective_from_table
from tumorboard.proton.rbe import RbeModel
from tumorboard.workflows.proton_plan.checks import require_choice
from tumorboard.workflows.proton_plan.config import (
    ELSEWHERE,
    PHYSICAL_DOSE,
    BeamChoice,
    CombinedStructure,
    DoseChoice,
    MonteCarloChoice,
    OptimisationChoice,
    ProtonPlanConfig,
    RobustChoice,
    SpotChoice,
    TargetChoice,
)
from tumorboard.workflows.proton_plan.wishes import (
    ComplicationChoice,
    ConstraintChoice,
    ControlChoice,
    GoalChoice,
    ObjectiveChoice,
    PhotonChoice,
)

__all__ = ["GENERIC", "SCHNEIDER", "parse_prescription", "read_prescription"]

#: Names that stand for what ships with the package instead of for a file.
GENERIC: Final = "generic"
SCHNEIDER: Final = "schneider2000"

_LARGEST_FILE: Final = 1_000_000
_GOAL = re.compile(
    r"(?:D(?P<volume>[\d.]+)%?|V(?P<dose>[\d.]+)\s*Gy|(?P<mean>mean))\s*(?P<sign>[<>]=)\s*(?P<bound>[\d.]+)\s*(?P<unit>Gy|%)",
)
_T = TypeVar("_T")


def read_prescription(path: Path) -> ProtonPlanConfig:
    """Read and check a prescription.

    Parameters
    ----------
    path
        A TOML file; files that it names are looked for beside it.

    Returns
    -------
    ProtonPlanConfig
        With the digests of the files that it names.

    Raises
    ------
    InputError
        When something is missing, unknown, out of range, or contradicts something else.
    UnreadableFile
        When it is no TOML file, or a file that it names is not there.
    """
    try:
        if path.stat().st_size > _LARGEST_FILE:
            raise UnreadableFile(f"prescription must be smaller than 1 MB; {path} is not; name a TOML file")
        table = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as reason:
        raise UnreadableFile(
            f"prescription must be a TOML file that can be read; {path}: {reason}"
        ) from reason
    return parse_prescription(table, folder=path.resolve().parent)


def parse_prescription(table: Mapping[str, Any], *, folder: Path) -> ProtonPlanConfig:
    """Return the choices that a prescription's tables make.

    Parameters
    ----------
    table
        As :mod:`tomllib` gives it.
    folder
        Where files are that it names.

    Returns
    -------
    ProtonPlanConfig
        Checked.

    Raises
    ------
    InputError
        As :func:`read_prescription` does.
    """
    known = {f.name for f in dataclasses.fields(ProtonPlanConfig)} - {"file_digests"}
    _require_known("the prescription", table, known)
    if "hu_curve" not in table:
        raise InputError(
            "hu_curve must be chosen: a CT without a calibration has no stopping power; got none; write "
            f'hu_curve = "{SCHNEIDER}" or the name of a file with your scanner\'s curve'
        )
    if "rbe_model" not in table:
        raise InputError(f"rbe_model must be one of {', '.join(_rbe_names())}; got none: there is no default")
    require_choice("rbe_model", table["rbe_model"], _rbe_names())
    machine, machine_digest = _file("machine", table.get("machine"), GENERIC, folder)
    curve, curve_digest = _file("hu_curve", table["hu_curve"], SCHNEIDER, folder)
    values: dict[str, Any] = {
        "label": table.get("label"),
        "machine": machine,
        "hu_curve": curve,
        "rbe_model": table["rbe_model"],
        "n_fractions": table.get("n_fractions"),
        "beams": _many("beams", table, BeamChoice),
        "targets": _many("targets", table, TargetChoice),
        "spots": _one("spots", table, SpotChoice),
        "dose": _one("dose", table, DoseChoice),
        "robustness": _one("robustness", table, RobustChoice),
        "optimisation": _one("optimisation", table, OptimisationChoice),
        "objectives": tuple(_objective(t) for t in _tables("objectives", table)),
        "constraints": tuple(_constraint(t) for t in _tables("constraints", table)),
        "goals": tuple(_goal(t) for t in _tables("goals", table)),
        "complications": tuple(_complication(t) for t in _tables("complications", table)),
        "control": _many("control", table, ControlChoice),
        "combined": _many("combined", table, CombinedStructure),
        "photons": _photons(table),
        "monte_carlo": _one("monte_carlo", table, MonteCarloChoice) if "monte_carlo" in table else None,
        "isocentre_mm": _triple("isocentre_mm", table.get("isocentre_mm")),
        "alpha_beta_gy": tuple(sorted(_table("alpha_beta_gy", table.get("alpha_beta_gy", {})).items())),
        "source_distance_mm": _listed(table.get("source_distance_mm")),
        "protons_per_mu": table.get("protons_per_mu"),
        "file_digests": tuple(filter(None, (machine_digest, curve_digest))),
    }
    for name in ("label", "n_fractions"):
        if values[name] is None:
            raise InputError(f"{name} must be given in the prescription; got none; write {name} = ...")
    if not isinstance(values["label"], str):
        raise InputError(f"label must be text; got {values['label']!r}")
    config = ProtonPlanConfig(**values)
    _require_consistent(config)
    return config


def _rbe_names() -> tuple[str, ...]:
    return (PHYSICAL_DOSE, *(m.value for m in RbeModel))


def _require_known(where: str, given: Mapping[str, Any], known: set[str]) -> None:
    unknown = sorted(set(given) - known)
    if unknown:
        raise InputError(
            f"keys of {where} must be among {', '.join(sorted(known))}; got {', '.join(unknown)}"
        )


def _file(name: str, value: Any, built_in: str, folder: Path) -> tuple[str, tuple[str, str] | None]:
    if not isinstance(value, str) or not value:
        raise InputError(f'{name} must be "{built_in}" or the name of a file; got {value!r}')
    if value == built_in:
        return value, None
    path = folder / value
    try:
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
    except OSError as reason:
        raise UnreadableFile(
            f'{name} must be "{built_in}" or a file that can be read; {path}: {reason.strerror}'
        ) from reason
    return str(path), (name, digest)


def _table(name: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{name} must be a table; got {value!r}; write [{name}]")
    return value


def _tables(name: str, table: Mapping[str, Any]) -> list[dict[str, Any]]:
    value = table.get(name, [])
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        raise InputError(f"{name} must be a list of tables; got {value!r}; write [[{name}]] for each")
    return value


def _made(where: str, kind: type[_T], given: Mapping[str, Any]) -> _T:
    """Make a choice of a table's values; lists become tuples, and what is missing is named."""
    fields = dataclasses.fields(kind)  # type: ignore[arg-type]
    _require_known(where, given, {f.name for f in fields})
    missing = [f.name for f in fields if f.default is dataclasses.MISSING and f.name not in given]
    if missing:
        raise InputError(f"{where} must have {', '.join(missing)}; got {', '.join(given) or 'nothing'}")
    for f in fields:
        if f.type == "str" and f.name in given and not isinstance(given[f.name], str):
            raise InputError(f"{f.name} of {where} must be text; got {given[f.name]!r}")
        if f.name in given and str(f.type).startswith("tuple[") and not isinstance(given[f.name], list):
            raise InputError(f"{f.name} of {where} must be a list; got {given[f.name]!r}")
    return kind(**{k: tuple(v) if isinstance(v, list) else v for k, v in given.items()})


def _one(name: str, table: Mapping[str, Any], kind: type[_T]) -> _T:
    return _made(f"[{name}]", kind, _table(name, table.get(name, {})))


def _many(name: str, table: Mapping[str, Any], kind: type[_T]) -> tuple[_T, ...]:
    return tuple(_made(f"[[{name}]]", kind, t) for t in _tables(name, table))


def _listed(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _triple(name: str, value: Any) -> tuple[float, float, float] | None:
    if value is None:
        return None
    if not isinstance(value, list) or len(value) != 3 or not all(isinstance(v, int | float) for v in value):
        raise InputError(f"{name} must be a patient point (x, y, z) [mm]; got {value!r}")
    x, y, z = (float(v) for v in value)
    return x, y, z


def _text(where: str, table: Mapping[str, Any], key: str) -> str:
    value = table.get(key)
    if not isinstance(value, str) or not value:
        raise InputError(f"{key} of {where} must be given as text; got {value!r}")
    return value


def _truth(where: str, table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key)
    if not isinstance(value, bool):
        raise InputError(f"{key} of {where} must be true or false; got {value!r}")
    return value


def _own_fields(table: Mapping[str, Any], *taken: str) -> tuple[tuple[str, float | str], ...]:
    return tuple(sorted((k, v) for k, v in table.items() if k not in taken))


def _objective(table: dict[str, Any]) -> ObjectiveChoice:
    structure = _text("[[objectives]]", table, "structure")
    where = f"the objective of {structure!r}"
    kind = _text(where, table, "type")
    fields = _own_fields(table, "structure", "type", "importance", "robust")
    objective_from_table({"type": kind, **dict(fields)})
    importance = table.get("importance")
    if importance is None:
        raise InputError(f"importance of {where} must be given, > 0; got none")
    return ObjectiveChoice(structure, kind, importance, _truth(where, table, "robust"), fields)


def _constraint(table: dict[str, Any]) -> ConstraintChoice:
    structure = _text("[[constraints]]", table, "structure")
    where = f"the constraint of {structure!r}"
    kind = _text(where, table, "type")
    fields = _own_fields(table, "structure", "type", "robust")
    bounds = getattr(objective_from_table({"type": kind, **dict(fields)}), "bounds", (None, None))
    if bounds == (None, None):
        able = [n for n, c in OBJECTIVES.items() if hasattr(c, "bounds")]
        raise InputError(
            f"{where} must have a bound, of one of {', '.join(able)}; got {kind} with "
            f"{', '.join(k for k, _ in fields) or 'nothing'}"
        )
    return ConstraintChoice(structure, kind, _truth(where, table, "robust"), fields)


def _goal(table: dict[str, Any]) -> GoalChoice:
    _require_known("[[goals]]", table, {"structure", "goal"})
    structure, text = _text("[[goals]]", table, "structure"), _text("[[goals]]", table, "goal")
    found = _GOAL.fullmatch(text.strip())
    if found is None:
        raise InputError(
            f'goal of {structure!r} must be like "D95 >= 57 Gy", "V20Gy <= 30 %" or "mean <= 20 Gy"; '
            f"got {text!r}"
        )
    metric, at, unit = "mean", None, "Gy"
    if found["volume"]:
        metric, at = "dose_at_volume", float(found["volume"])
    elif found["dose"]:
        metric, at, unit = "volume_at_dose", float(found["dose"]), "%"
    if found["unit"] != unit:
        raise InputError(f"goal {text!r} of {structure!r} must be in {unit}; got {found['unit']}")
    bound = float(found["bound"])
    lower, upper = (bound, None) if found["sign"] == ">=" else (None, bound)
    return GoalChoice(structure, text, metric, at, lower, upper)


def _complication(table: dict[str, Any]) -> ComplicationChoice:
    choice = _made("[[complications]]", ComplicationChoice, table)
    require_choice(f"model of the complication of {choice.structure!r}", choice.model, complication_models())
    return choice


def _photons(table: Mapping[str, Any]) -> PhotonChoice | None:
    if "photons" not in table:
        return None
    given = dict(_table("photons", table["photons"]))
    given["threshold_percent"] = [
        list(pair) for pair in _table("photons.threshold_percent", given.get("threshold_percent", {})).items()
    ]
    choice = _made("[photons]", PhotonChoice, given)
    for model, _ in choice.threshold_percent:
        require_choice("photons.threshold_percent", model, complication_models())
    asked = {t.get("model") for t in _tables("complications", table)}
    missing = sorted(str(m) for m in asked - {model for model, _ in choice.threshold_percent})
    if missing or not asked:
        raise InputError(
            "photons.threshold_percent must have a number for each model of [[complications]] [%]; got none "
            f"for {', '.join(missing) or 'any: there are no complications'}"
        )
    return choice


def _require_consistent(config: ProtonPlanConfig) -> None:
    """Raise where two parts of a prescription cannot both be meant."""
    names = [c.name for c in config.combined]
    if len(set(names)) != len(names):
        raise InputError(f"names of combined structures must be unique; got {', '.join(names)}")
    asked_for = [(c.structure, c.model) for c in config.complications]
    twice = [pair for pair in asked_for if asked_for.count(pair) > 1]
    if twice:
        raise InputError(
            f"complications must name each model of a structure once; got {twice[0][1]} of {twice[0][0]!r} "
            "twice; leave one out"
        )
    variable = config.rbe_model not in (PHYSICAL_DOSE, RbeModel.CONSTANT.value)
    if variable and ELSEWHERE not in dict(config.alpha_beta_gy):
        raise InputError(
            f"alpha_beta_gy.{ELSEWHERE} must be given with rbe_model {config.rbe_model} [Gy]; got none; "
            f"write {ELSEWHERE} = ... under [alpha_beta_gy]"
        )
    asked = [g.robust for g in config.objectives] + [g.robust for g in config.constraints]
    if not config.robustness.is_robust and any(asked):
        raise InputError(
            "robust = true must stand only where there is a robust method; got it with "
            'robustness.method = "none"; choose a method or write robust = false'
        )
    lows, highs = _wanted(config)
    for structure, (low, low_text) in lows.items():
        high, high_text = highs.get(structure, (None, ""))
        if high is not None and low > high:
            raise InputError(
                f"wishes for {structure!r} must not contradict each other [Gy]; got {low_text} "
                f"and {high_text}"
            )


def _wanted(
    config: ProtonPlanConfig,
) -> tuple[dict[str, tuple[float, str]], dict[str, tuple[float, str]]]:
    """Return the highest dose that nearly all of each structure must have, and the lowest that it may."""
    lows: dict[str, tuple[float, str]] = {}
    highs: dict[str, tuple[float, str]] = {}

    def want_low(structure: str, dose_gy: float, text: str) -> None:
        if structure not in lows or dose_gy > lows[structure][0]:
            lows[structure] = (dose_gy, text)

    def want_high(structure: str, dose_gy: float, text: str) -> None:
        if structure not in highs or dose_gy < highs[structure][0]:
            highs[structure] = (dose_gy, text)

    for target in config.targets:
        want_low(target.structure, target.dose_gy, f"a prescribed dose of {target.dose_gy:g}")
    for constraint in config.constraints:
        bounds = dict(constraint.fields)
        if constraint.type == "smooth_maximum" and "upper_gy" in bounds:
            want_high(constraint.structure, float(bounds["upper_gy"]), f"at most {bounds['upper_gy']:g}")
        if constraint.type == "smooth_minimum" and "lower_gy" in bounds:
            want_low(constraint.structure, float(bounds["lower_gy"]), f"at least {bounds['lower_gy']:g}")
        if constraint.type == "mean_dose" and "upper_gy" in bounds:
            want_high(constraint.structure, float(bounds["upper_gy"]), f"a mean <= {bounds['upper_gy']:g}")
    for objective in config.objectives:
        own = dict(objective.fields)
        if objective.type == "squared_overdose":
            want_high(
                objective.structure, float(own["dose_gy"]), f"squared_overdose above {own['dose_gy']:g}"
            )
        if objective.type in ("squared_underdose", "squared_deviation"):
            want_low(objective.structure, float(own["dose_gy"]), f"{objective.type} at {own['dose_gy']:g}")
    for goal in config.goals:
        if goal.metric == "dose_at_volume" and goal.at is not None:
            if goal.lower is not None and goal.at >= 90:
                want_low(goal.structure, goal.lower, f"the goal {goal.text}")
            if goal.upper is not None and goal.at <= 10:
                want_high(goal.structure, goal.upper, f"the goal {goal.text}")
        if goal.metric == "mean" and goal.upper is not None:
            want_high(goal.structure, goal.upper, f"the goal {goal.text}")
    return lows, highs
