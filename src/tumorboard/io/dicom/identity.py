"""Whose study it is: what all written objects of a case share."""

from __future__ import annotations

import re
import uuid
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from tumorboard.core.acquisition import Sex
from tumorboard.errors import InputError

__all__ = ["PatientIdentity", "StudyIdentity", "make_uid", "require_text", "require_uid"]

_UID = re.compile(r"(0|[1-9][0-9]*)(\.(0|[1-9][0-9]*))+\Z")
# A name-based UUID needs a namespace; this one is ours, drawn once.
_NAMESPACE: Final = uuid.UUID("6f0a5bd0-3a52-4c0e-9a0f-4b7d1c7a51e2")


@dataclass(frozen=True, slots=True, kw_only=True)
class PatientIdentity:
    """Who was scanned, as DICOM writes it.

    Parameters
    ----------
    patient_id
        Patient ID (0010,0020): the pseudonym at this site, 1 to 64 characters.
    patient_name
        Patient's Name (0010,0010), ``Family^Given``; may be empty.
    sex
        Patient's Sex (0010,0040); ``None`` is written empty.
    birth_date
        Patient's Birth Date (0010,0030); ``None`` is written empty.

    Raises
    ------
    InputError
        When a text does not fit its attribute.

    Examples
    --------
    >>> PatientIdentity(patient_id="P01", patient_name="Phantom^Ada").sex is None
    True
    """

    patient_id: str
    patient_name: str
    sex: Sex | None = None
    birth_date: date | None = None

    def __post_init__(self) -> None:
        require_text("patient_id", self.patient_id, longest=64, empty=False)
        require_text("patient_name", self.patient_name, longest=64)


@dataclass(frozen=True, slots=True, kw_only=True)
class StudyIdentity:
    """Which study the objects belong to, and where their UIDs come from.

    Parameters
    ----------
    patient
        Who was scanned.
    start
        Study Date and Time (0008,0020), (0008,0030). With a time zone, all moments of all objects are
        written in that zone and the offset is stated; without, no moment may have one.
    description
        Study Description (0008,1030), at most 64 characters.
    study_id
        Study ID (0020,0010), at most 16 characters; may be empty.
    study_instance_uid
        Study Instance UID (0020,000D) of an existing study; made up when empty.
    accession_number
        Accession Number (0008,0050), at most 16 characters; may be empty.
    referring_physician
        Referring Physician's Name (0008,0090); may be empty.
    seed
        With a seed the UIDs of equal content are equal in every run, as a reproducible demo needs; without
        one every object gets a fresh random UID, as real patients need.

    Raises
    ------
    InputError
        When a text does not fit its attribute.

    Examples
    --------
    >>> ada = PatientIdentity(patient_id="P01", patient_name="Phantom^Ada")
    >>> a, b = (
    ...     StudyIdentity(patient=ada, start=datetime(2024, 5, 17, 9), description="Demo", seed="demo")
    ...     for _ in range(2)
    ... )
    >>> a.study_instance_uid == b.study_instance_uid and a.study_instance_uid.startswith("2.25.")
    True
    """

    patient: PatientIdentity
    start: datetime
    description: str
    study_id: str = ""
    study_instance_uid: str = ""
    accession_number: str = ""
    referring_physician: str = ""
    seed: str | None = None

    def __post_init__(self) -> None:
        require_text("description of the study", self.description, longest=64)
        require_text("study_id", self.study_id, longest=16)
        require_text("accession_number", self.accession_number, longest=16)
        require_text("referring_physician", self.referring_physician, longest=64)
        if not self.study_instance_uid:
            parts = ("study", self.patient.patient_id, self.start.isoformat(), self.description)
            object.__setattr__(self, "study_instance_uid", make_uid(*parts, seed=self.seed))
        require_uid("study_instance_uid", self.study_instance_uid)

    def uid(self, *parts: str) -> str:
        """Return a UID for an object of this study: from ``parts`` and the seed, or random without a seed."""
        return make_uid(self.study_instance_uid, *parts, seed=self.seed)

    def local(self, moment: datetime, *, what: str) -> datetime:
        """Return ``moment`` on the study's clock.

        Parameters
        ----------
        moment
            With a time zone exactly when :attr:`start` has one.
        what
            Names the moment in the message.

        Raises
        ------
        InputError
            When one of the two has a time zone and the other has none.
        """
        zone = self.start.utcoffset()
        if (zone is None) != (moment.utcoffset() is None):
            raise InputError(
                f"{what} and the start of the study must both have a time zone or both have none; got "
                f"{moment.isoformat()} and {self.start.isoformat()}; set tzinfo on the one without"
            )
        return moment if zone is None else moment.astimezone(self.start.tzinfo)


def make_uid(*parts: str, seed: str | None) -> str:
    """Return a DICOM UID below 2.25, the root for UUIDs [1]_.

    Parameters
    ----------
    *parts
        What the UID is for; with a seed, equal parts give equal UIDs.
    seed
        ``None`` for a random UID.

    References
    ----------
    .. [1] dicomPS35

    Examples
    --------
    >>> make_uid("frame of reference", seed="demo") == make_uid("frame of reference", seed="demo")
    True
    >>> make_uid("a", seed=None) == make_uid("a", seed=None)
    False
    """
    if seed is None:
        return f"2.25.{uuid.uuid4().int}"
    # The lengths go in as well, so that ("ab", "c") and ("a", "bc") differ.
    name = "".join(f"{len(part)}:{part}" for part in (seed, *parts))
    return f"2.25.{uuid.uuid5(_NAMESPACE, name).int}"


def require_uid(name: str, uid: str) -> None:
    """Raise an InputError unless ``uid`` is a well-formed DICOM UID; ``name`` says in the message which."""
    if len(uid) > 64 or not _UID.match(uid):
        raise InputError(
            f"{name} must be a DICOM UID (digits and dots, at most 64 characters); got {uid[:80]!r}; "
            "tumorboard.io.dicom.make_uid makes one"
        )


def require_text(name: str, text: str, *, longest: int, empty: bool = True) -> None:
    """Raise an InputError unless ``text`` fits a DICOM attribute of one line; ``name`` says which."""
    if len(text) > longest or (not text.strip() and not empty) or not text.isprintable() or "\\" in text:
        raise InputError(
            f"{name} must be {'0' if empty else '1'} to {longest} printable characters without backslash; "
            f"got {text[:80]!r} of {len(text)}; shorten or rename it"
        )
