"""The genome's bases: an indexed FASTA, plain or BGZF, read where they are asked for."""

from __future__ import annotations

import hashlib
import os
import struct
import zlib
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from tumorboard.core.chromosome import plain_chromosome
from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.dicom.opening import open_regular
from tumorboard.io.text_lines import read_text_lines
from tumorboard.io.vcf_text import is_whole
from tumorboard.provenance import Record

__all__ = ["Genome", "SequencePlace"]

_CHUNK: Final = 16 << 20


@dataclass(frozen=True, slots=True)
class SequencePlace:
    """Where a sequence stands in its FASTA file, as a line of a ``.fai`` index says.

    Parameters
    ----------
    length
        Bases.
    offset
        Of the first base in the unpacked file [bytes].
    line_bases, line_bytes
        Of every line but the last.
    """

    length: int
    offset: int
    line_bases: int
    line_bytes: int

    def byte_of(self, base: int) -> int:
        """Return where a base stands in the unpacked file; bases are counted from 0."""
        return self.offset + base // self.line_bases * self.line_bytes + base % self.line_bases


@dataclass(frozen=True, slots=True, eq=False)
class Genome:
    r"""A genome in a file. Nothing is held but the index; make one by :meth:`opened`.

    Parameters
    ----------
    path
        The FASTA.
    places
        By the sequences' names.
    names
        The file's name for each chromosome's plain one.
    packed, unpacked
        Where each block of a BGZF file starts, in it and in what it unpacks to; empty for a plain file.

    Examples
    --------
    >>> import tempfile
    >>> _ = (file := Path(tempfile.mkdtemp()) / "a.fa").write_text(">chr1 first\nACGT\nACgt\nAC\n")
    >>> Genome.opened(file).fetch("1", 4, 9)
    'TACGTA'
    """

    path: Path
    places: Mapping[str, SequencePlace]
    names: Mapping[str, str]
    packed: tuple[int, ...] = ()
    unpacked: tuple[int, ...] = ()

    @classmethod
    def opened(cls, path: Path | str) -> Genome:
        """Return the genome of a FASTA file, with its ``.fai`` index if it stands beside it.

        A plain file without an index is read through once; no index is written beside it.

        Raises
        ------
        UnreadableFile
            When the file is no FASTA, its lines are not of one length, or it is packed so that one cannot
            read within it.
        """
        path = Path(path)
        fai = path.with_name(f"{path.name}.fai")
        with _reading(path) as handle:
            start = os.pread(handle, 18, 0)
            is_packed = start.startswith(b"\x1f\x8b")
            if is_packed and (start[2:4] != b"\x08\x04" or start[12:14] != b"BC"):
                raise UnreadableFile(
                    f"genome must be plain or packed with bgzip; {path.name} is packed with gzip, in which "
                    "one cannot look things up; unpack it"
                )
            if not is_packed and start[:1] != b">":
                raise UnreadableFile(
                    f"genome must be a FASTA, its first line a name after >; {path.name} begins with "
                    f"{start[:12]!r}; choose another file"
                )
            packed, unpacked = _blocks(handle, path) if is_packed else ((), ())
            if fai.is_file():
                places = _read_index(fai)
            elif is_packed:
                raise UnreadableFile(
                    f"genome packed with bgzip must have its index beside it; {fai.name} is absent; "
                    f"make it with samtools faidx {path.name}, or unpack the file"
                )
            else:
                places = _make_index(handle, path)
        names: dict[str, str] = {}
        for name in places:
            names.setdefault(plain_chromosome(name), name)
        return cls(path, MappingProxyType(places), MappingProxyType(names), packed, unpacked)

    @property
    def provenance(self) -> Record:
        """Which genome it is, by its sequences' names and lengths: all its bases would take a minute."""
        said = "".join(f"{name} {place.length}\n" for name, place in self.places.items())
        digest = hashlib.sha256(said.encode()).hexdigest()
        return Record("io.Genome", {"names_and_lengths_sha256": digest})

    def length_of(self, chromosome: str) -> int:
        """Return the number of bases of a chromosome, named with or without ``chr``.

        Raises
        ------
        InputError
            When the genome has no such chromosome.
        """
        return self._place(chromosome).length

    def fetch(self, chromosome: str, first: int, last: int) -> str:
        """Return bases of the forward strand, in capitals.

        Parameters
        ----------
        chromosome
            Named with or without ``chr``.
        first, last
            Both included, counted from 1; ``last`` one less than ``first`` gives none.

        Raises
        ------
        InputError
            When the chromosome is not there, or ends before.
        """
        place = self._place(chromosome)
        if not 1 <= first <= last + 1 <= place.length + 1:
            raise InputError(
                f"bases {first} to {last} must lie on {chromosome}, which has {place.length} in "
                f"{self.path.name}; the variants or the annotation are of another assembly"
            )
        if last < first:
            return ""
        begin, end = place.byte_of(first - 1), place.byte_of(last - 1) + 1
        text = self._bytes(begin, end).replace(b"\n", b"").replace(b"\r", b"")
        if len(text) != last - first + 1:
            raise UnreadableFile(
                f"genome {self.path.name} must match its index; {chromosome}:{first}-{last} gives "
                f"{len(text)} bases; make the index again with samtools faidx"
            )
        return text.decode("ascii", errors="replace").upper()

    def _place(self, chromosome: str) -> SequencePlace:
        name = chromosome if chromosome in self.places else self.names.get(plain_chromosome(chromosome))
        if name is None:
            raise InputError(
                f"chromosome must be in the genome; got {chromosome!r}; {self.path.name} has "
                f"{', '.join(list(self.places)[:5])}{' ...' if len(self.places) > 5 else ''}"
            )
        return self.places[name]

    def _bytes(self, begin: int, end: int) -> bytes:
        with _reading(self.path) as handle:
            if not self.packed:
                return os.pread(handle, end - begin, begin)
            block = bisect_right(self.unpacked, begin) - 1
            found, skip = b"", begin - self.unpacked[block]
            while len(found) < skip + end - begin and block < len(self.packed) - 1:
                raw = os.pread(handle, self.packed[block + 1] - self.packed[block], self.packed[block])
                found += _inflated(raw, self.path.name)
                block += 1
            return found[skip : skip + end - begin]


@lru_cache(maxsize=64)
def _inflated(raw: bytes, name: str) -> bytes:
    try:
        return zlib.decompress(raw, wbits=31)
    except zlib.error as reason:
        raise UnreadableFile(f"genome {name} is damaged ({reason}); copy or pack it again") from reason


@contextmanager
def _reading(path: Path) -> Iterator[int]:
    try:
        handle = open_regular(path)
    except UnreadableFile as error:
        raise UnreadableFile(f"genome {path.name}: {error}") from error
    try:
        yield handle
    finally:
        os.close(handle)


def _read_index(path: Path) -> dict[str, SequencePlace]:
    places: dict[str, SequencePlace] = {}
    for number, line in enumerate(read_text_lines(path, what="index of a FASTA"), 1):
        cells = line.split("\t")
        if len(cells) < 5 or not all(is_whole(cell) for cell in cells[1:5]) or not int(cells[3]):
            raise UnreadableFile(
                f"line {number} of {path.name} must be a name and four numbers; got {line[:60]!r}; "
                "make it again with samtools faidx"
            )
        places[cells[0]] = SequencePlace(*(int(cell) for cell in cells[1:5]))
    return places


def _blocks(handle: int, path: Path) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return where the blocks of a BGZF file start, packed and unpacked, and where the last ends."""
    size = os.fstat(handle).st_size
    packed, unpacked = [0], [0]
    while packed[-1] < size:
        head = os.pread(handle, 18, packed[-1])
        if len(head) < 18 or head[12:14] != b"BC":
            break
        length = struct.unpack("<H", head[16:18])[0] + 1
        tail = os.pread(handle, 4, packed[-1] + length - 4)
        if len(tail) < 4:
            break
        packed.append(packed[-1] + length)
        unpacked.append(unpacked[-1] + struct.unpack("<I", tail)[0])
    if packed[-1] != size:
        raise UnreadableFile(f"genome must be whole; {path.name} was cut off; copy it again")
    return tuple(packed), tuple(unpacked)


def _make_index(handle: int, path: Path) -> dict[str, SequencePlace]:
    """Read a plain FASTA once and say where its sequences stand."""
    starts: list[tuple[int, int]] = []  # of each name's line and of its first base
    names: list[str] = []
    newlines_at: list[int] = []  # number of line ends before each name's line
    size, position, newlines, rest = os.fstat(handle).st_size, 0, 0, b""
    while position < size:
        block = rest + os.pread(handle, _CHUNK, position)
        base = position - len(rest)
        position = base + len(block)
        # Whole lines only, so that no name is cut.
        cut = len(block) if position >= size else block.rfind(b"\n") + 1
        rest, block = block[cut:], block[:cut]
        if len(rest) > _CHUNK:
            raise UnreadableFile(f"lines of {path.name} must be shorter than 16 MB; write it again in lines")
        at = 0 if block.startswith(b">") else block.find(b"\n>") + 1
        while block.startswith(b">", at):
            end = block.find(b"\n", at)
            end = len(block) if end < 0 else end
            words = block[at + 1 : end].split()
            names.append(words[0].decode("utf-8", errors="replace") if words else "")
            starts.append((base + at, base + end + 1))
            newlines_at.append(newlines + block.count(b"\n", 0, at))
            following = block.find(b"\n>", max(end - 1, 0))
            at = following + 1 if following >= 0 else len(block)
        newlines += block.count(b"\n")
    starts.append((size, size))
    newlines_at.append(newlines + (0 if _ends_with_newline(handle, size) else 1))
    places: dict[str, SequencePlace] = {}
    for index, name in enumerate(names):
        begin, end = starts[index][1], starts[index + 1][0]
        lines = newlines_at[index + 1] - newlines_at[index] - 1
        places[name] = _place_of(handle, path, name, begin, end, lines)
    return places


def _ends_with_newline(handle: int, size: int) -> bool:
    return os.pread(handle, 1, size - 1) == b"\n"


def _place_of(handle: int, path: Path, name: str, begin: int, end: int, lines: int) -> SequencePlace:
    """Return the place of a sequence between two bytes, if its lines are of one length."""
    if lines == 0 or end <= begin:
        return SequencePlace(0, begin, 1, 2)
    head = os.pread(handle, min(end - begin, _CHUNK), begin)
    width = head.find(b"\n") + 1 or len(head) + 1
    gap = 2 if head[: width - 1].endswith(b"\r") else 1
    tail = os.pread(handle, min(end - begin, 4 * width), max(begin, end - 4 * width)).rstrip(b"\r\n")
    empty_lines = tail.count(b"\n\n")
    last = len(tail.rpartition(b"\n")[2])
    place = SequencePlace((lines - 1) * (width - gap) + last, begin, width - gap, width)
    expected = begin + (lines - 1) * width + last
    if empty_lines or not expected <= end <= expected + 2 or last > width - gap:
        raise UnreadableFile(
            f"lines of {name} in {path.name} must all be of one length but the last; they are not; "
            "write it again with samtools faidx or seqkit seq -w 60"
        )
    return place
