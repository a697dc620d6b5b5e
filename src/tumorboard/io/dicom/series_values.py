"""Values that the files of one series must agree on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timezone
from enum import Enum
from typing import TYPE_CHECKING, TypeVar

from tumorboard.errors import InputError
from tumorboard.io.dicom import times

if TYPE_CHECKING:
    from pydicom import Dataset

__all__ = ["SeriesValues", "distinct", "nonzero", "term_of", "text_of"]

_Value = TypeVar("_Value")
_Terms = TypeVar("_Terms", bound=Enum)


class _Disagreement(InputError):
    """Files of one series contradict each other, which leaving a value out would hide."""


class SeriesValues:
    """Values of a series by keyword: stripped, the same in every file, and noted when unreadable.

    Parameters
    ----------
    datasets
        Files of the series: all of them, or those that speak for the rest.

    Raises
    ------
    InputError
        When a file names several tracers, or the files disagree about their time zone.
    """

    def __init__(self, datasets: Sequence[Dataset]) -> None:
        self.datasets = datasets
        self.notes: list[str] = []
        items = [dataset.get("RadiopharmaceuticalInformationSequence") or [None] for dataset in datasets]
        if max(len(item) for item in items) > 1:
            raise InputError(
                "Radiopharmaceutical Information Sequence (0054,0016) must have one item; got several; "
                "a standardised uptake value of a mixture of tracers is not defined"
            )
        self.tracers = [item[0] for item in items if item[0] is not None]
        zone = self.one(datasets, "TimezoneOffsetFromUTC", times.parse_utc_offset)
        self.zone: timezone | None = zone

    def note(self, sentence: str) -> None:
        """Keep a sentence for the reader of the result."""
        self.notes.append(sentence)

    def one(
        self, sources: Sequence[Dataset], keyword: str, parse: Callable[[str], _Value | None]
    ) -> _Value | None:
        """Return the value that the sources agree on; an empty value agrees with any."""
        return self.agreed(keyword, [text_of(source, keyword) for source in sources], parse)

    def agreed(self, name: str, texts: Sequence[str], parse: Callable[[str], _Value | None]) -> _Value | None:
        """Return the one value that the texts hold; an empty text agrees with any.

        Raises
        ------
        InputError
            When they hold several.
        """
        found = dict.fromkeys(text for text in texts if text)
        values = list(dict.fromkeys(v for text in found if (v := self.read(name, text, parse)) is not None))
        if len(values) > 1:
            raise _Disagreement(
                f"{name} must be the same in every file of the series; got "
                f"{', '.join(map(str, values[:4]))}; split the series, or correct the files"
            )
        return values[0] if values else None

    def read(self, keyword: str, text: str, parse: Callable[[str], _Value | None]) -> _Value | None:
        """Return what the text says; what cannot be read is left out and noted."""
        try:
            return parse(text)
        except InputError:
            raise
        except ValueError:
            self.note(f"{keyword} is unreadable and left out: {text!r}")
            return None

    def moment(self, keyword: str, parse: Callable[[], datetime | None]) -> datetime | None:
        """Return a moment on the clock of the files; an unreadable one is left out and noted."""
        try:
            moment = parse()
        except _Disagreement:
            raise
        except InputError as reason:
            self.note(f"{keyword} is left out: {reason}")
            return None
        if moment is None:
            return None
        if self.zone is None and moment.tzinfo is not None:
            self.note(
                f"{keyword} has a time zone and the file's other times have none: taken as the same clock"
            )
        return times.on_clock(moment, self.zone)


def distinct(datasets: Sequence[Dataset], *keywords: str) -> list[Dataset]:
    """Return one data set for each different set of values of ``keywords``."""
    return list({tuple(text_of(d, k) for k in keywords): d for d in datasets}.values())


def text_of(dataset: Dataset, keyword: str) -> str:
    """Return a value as stripped text, ``""`` when it is absent."""
    value = dataset.get(keyword)
    return "" if value is None else str(value).strip(" \0")


def nonzero(text: str) -> float | None:
    """Return the number, ``None`` for zero: how scanners write that they do not know."""
    return float(text) or None


def term_of(terms: type[_Terms], attribute: str) -> Callable[[str], _Terms]:
    """Return a reader of the defined terms of ``attribute``.

    Raises
    ------
    InputError
        By the reader, when the text is none of the terms.
    """

    def parse(text: str) -> _Terms:
        try:
            return terms(text)
        except ValueError as reason:
            known = ", ".join(str(term.value) for term in terms)
            raise InputError(
                f"{attribute} must be one of {known}; got {text!r}; correct the file"
            ) from reason

    return parse
