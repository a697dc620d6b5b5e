"""A model's choices as they stand in the record of its fits."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

from tumorboard.provenance import Record

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

__all__ = ["choices_of", "model_record"]


def model_record(model: DataclassInstance, inputs: tuple[Record, ...], references: tuple[str, ...]) -> Record:
    """Return the record of a fit: the model's name, each of its choices, and its papers.

    Parameters
    ----------
    model
        A configuration: a dataclass of numbers, enums, and dataclasses of such.
    inputs
        Records of the curves and of what drives them.
    references
        Citation keys.

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> model_record(LastFrames(5), (), ()).parameters["count"]
    5
    """
    return Record(f"pet.kinetics.{type(model).__name__}", choices_of(model), inputs, references)


def choices_of(model: DataclassInstance) -> dict[str, Any]:
    """Return a model's choices by name, as a record takes them.

    Examples
    --------
    >>> from tumorboard.pet.kinetics.t_star import LastFrames
    >>> choices_of(LastFrames(5))
    {'count': 5}
    """
    return {f.name: _plain(getattr(model, f.name)) for f in fields(model)}


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if is_dataclass(value) and not isinstance(value, type):
        return {"rule": type(value).__name__, **choices_of(value)}
    return value
