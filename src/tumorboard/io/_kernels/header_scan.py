"""Loops for :mod:`tumorboard.io.dicom.header_window`. Arrays and numbers only.

The bytes are anybody's, so every read is checked twice: by the rules below, which never look past what is
held, and by the compiler (``boundscheck``). Every step moves forward, so the time is linear in the bytes
held; nothing is allocated; nesting is bounded by the caller's ``ends``. What the rules do not foresee is
UNUSUAL, for a complete parser to judge.
"""

import numpy as np
from numba import njit

__all__ = [
    "DONE",
    "ENCAPSULATED",
    "EXPLICIT",
    "IMPLICIT",
    "LONG_LENGTH",
    "NEED_DICTIONARY",
    "NEED_MORE",
    "NOT_DICOM",
    "SHORT_LENGTH",
    "UNDEFINED",
    "UNUSUAL",
    "first_occurrences",
    "scan_headers",
]

DONE, NOT_DICOM, UNUSUAL, NEED_MORE, NEED_DICTIONARY = 0, 1, 2, 3, 4
IMPLICIT, EXPLICIT, ENCAPSULATED = 1, 2, 3
SHORT_LENGTH, LONG_LENGTH = 1, 2
UNDEFINED = 0xFFFFFFFF

_SQ = ord("S") | ord("Q") << 8
_OB = ord("O") | ord("B") << 8
_OW = ord("O") | ord("W") << 8
_OF = ord("O") | ord("F") << 8
_OD = ord("O") | ord("D") << 8
_IN_SEQUENCE, _IN_OPEN_ITEM = -1, -2


@njit(cache=True, nogil=True, boundscheck=True)
def _u16(data, at):
    return np.int64(data[at]) | np.int64(data[at + 1]) << 8


@njit(cache=True, nogil=True, boundscheck=True)
def _u32(data, at):
    return _u16(data, at) | _u16(data, at + 2) << 16


@njit(cache=True, nogil=True, boundscheck=True)
def _syntax(data, start, length, root):
    """Return how the data set is encoded by its transfer syntax, or 0 when that is not a usual one."""
    while length > 0 and (data[start + length - 1] == 0 or data[start + length - 1] == 32):
        length -= 1
    if length < root.size:
        return 0
    for k in range(root.size):
        if data[start + k] != root[k]:
            return 0
    rest, at = length - root.size, start + root.size
    if rest == 0:
        return IMPLICIT
    if rest < 2 or data[at] != 46:  # "."
        return 0
    if rest == 2 and data[at + 1] == 49:  # ".1"
        return EXPLICIT
    if rest == 2 and data[at + 1] == 53:  # ".5", RLE
        return ENCAPSULATED
    if rest > 3 and data[at + 1] == 52 and data[at + 2] == 46:  # ".4.", the JPEG family
        return ENCAPSULATED
    return 0


@njit(cache=True, nogil=True, boundscheck=True)
def _begins_sequence(data, tag, at, held, sequence_tags):
    """Return DONE when an implicit element of undefined length is surely a sequence."""
    if (tag >> 16) & 1:  # private: only its content tells
        if at + 4 > held:
            return NEED_MORE
        return DONE if _u32(data, at) == 0xE000FFFE else UNUSUAL
    if sequence_tags.size == 0:
        return NEED_DICTIONARY
    low, high = 0, sequence_tags.size
    while low < high:
        middle = (low + high) // 2
        if sequence_tags[middle] < tag:
            low = middle + 1
        else:
            high = middle
    return DONE if low < sequence_tags.size and sequence_tags[low] == tag else UNUSUAL


@njit(cache=True, nogil=True, boundscheck=True)
def _skip_sequence(data, at, held, size, implicit, vr_length, sequence_tags, ends):
    """Return (status, position after the sequence of undefined length that begins at ``at``).

    ``ends[depth]`` says what encloses the position: a sequence, an item of undefined length, or an item that
    ends at a byte.
    """
    depth = 0
    ends[0] = _IN_SEQUENCE
    while True:
        if ends[depth] >= 0:
            if at == ends[depth]:
                depth -= 1
                continue
            if at > ends[depth]:
                return UNUSUAL, at
        if at + 8 > held:
            return (NEED_MORE if held < size else UNUSUAL), at
        group, element, length = _u16(data, at), _u16(data, at + 2), _u32(data, at + 4)
        if ends[depth] == _IN_SEQUENCE:
            at += 8
            if group != 0xFFFE:
                return UNUSUAL, at
            if element == 0xE0DD:
                if length != 0:
                    return UNUSUAL, at
                depth -= 1
                if depth < 0:
                    return DONE, at
                continue
            if element != 0xE000 or depth + 1 >= ends.size:
                return UNUSUAL, at
            depth += 1
            ends[depth] = _IN_OPEN_ITEM if length == UNDEFINED else at + length
            continue
        if group == 0xFFFE:
            if element != 0xE00D or length != 0 or ends[depth] != _IN_OPEN_ITEM:
                return UNUSUAL, at
            at += 8
            depth -= 1
            continue
        if implicit:
            at += 8
            if length == UNDEFINED:
                status = _begins_sequence(data, group << 16 | element, at, held, sequence_tags)
                if status != DONE:
                    return status, at
        else:
            vr = _u16(data, at + 4)
            kind = vr_length[vr]
            if kind == LONG_LENGTH:
                if at + 12 > held:
                    return (NEED_MORE if held < size else UNUSUAL), at
                length = _u32(data, at + 8)
                at += 12
                if length == UNDEFINED and vr != _SQ:
                    return UNUSUAL, at
            elif kind == SHORT_LENGTH:
                length = _u16(data, at + 6)
                at += 8
            else:
                return UNUSUAL, at
        if length == UNDEFINED:
            if depth + 1 >= ends.size:
                return UNUSUAL, at
            depth += 1
            ends[depth] = _IN_SEQUENCE
        else:
            at += length
            if at > size:
                return UNUSUAL, at


@njit(cache=True, nogil=True, boundscheck=True)
def _fits_pixels(tag, vr):
    if tag == 0x7FE00010:
        return vr == _OB or vr == _OW
    return vr == (_OF if tag == 0x7FE00008 else _OD)


@njit(cache=True, nogil=True, boundscheck=True)
def _scan_header(
    data, held, size, root, tags, vrs, vr_length, sequence_tags, ends, packed, room, starts, lengths, pixels
):
    """Scan one file; return (status, encoding, bytes of ``packed`` used)."""
    if held < 132 or data[128] != 68 or data[129] != 73 or data[130] != 67 or data[131] != 77:  # "DICM"
        return NOT_DICOM, 0, 0
    at, used, wanted = 132, 0, 0
    encoding, in_meta, implicit = 0, True, False
    last_tag = 0
    while True:
        if at == size and not in_meta:
            return DONE, encoding, used
        if at + 8 > held:
            return (NEED_MORE if held < size else UNUSUAL), encoding, used
        group = _u16(data, at)
        tag = group << 16 | _u16(data, at + 2)
        if in_meta and group != 2:
            in_meta = False
            implicit = encoding == IMPLICIT
            letters = 64 < data[at + 4] < 91 and 64 < data[at + 5] < 91
            if encoding == 0 or letters == implicit:
                return UNUSUAL, encoding, used
        if tag <= last_tag or group == 0xFFFE or (group <= 2 and not in_meta):
            return UNUSUAL, encoding, used
        last_tag = tag
        vr = 0
        length = _u32(data, at + 4)
        start = at + 8
        if not implicit:
            vr = _u16(data, at + 4)
            kind = vr_length[vr]
            if kind == LONG_LENGTH:
                if at + 12 > held:
                    return (NEED_MORE if held < size else UNUSUAL), encoding, used
                length = _u32(data, at + 8)
                start = at + 12
            elif kind == SHORT_LENGTH:
                length = _u16(data, at + 6)
            else:
                return UNUSUAL, encoding, used
        if tag == 0x7FE00008 or tag == 0x7FE00009 or tag == 0x7FE00010:
            pixels[0], pixels[1], pixels[2] = tag, start, length
            return (DONE if implicit or _fits_pixels(tag, vr) else UNUSUAL), encoding, used
        while wanted < tags.size and tags[wanted] < tag:
            wanted += 1
        is_wanted = wanted < tags.size and tags[wanted] == tag
        if length == UNDEFINED:
            if is_wanted or in_meta or (not implicit and vr != _SQ):
                return UNUSUAL, encoding, used
            status = DONE
            if implicit:
                status = _begins_sequence(data, tag, start, held, sequence_tags)
            if status == DONE:
                status, at = _skip_sequence(data, start, held, size, implicit, vr_length, sequence_tags, ends)
            if status != DONE:
                return status, encoding, used
            continue
        if start + length > size:
            return UNUSUAL, encoding, used
        if is_wanted:
            allowed = implicit
            for k in range(vrs.shape[1]):
                allowed = allowed or vr == vrs[wanted, k]
            if not allowed or used + length > room:
                return UNUSUAL, encoding, used
            if start + length > held:
                return NEED_MORE, encoding, used
            for k in range(length):
                packed[used + k] = data[start + k]
            starts[wanted], lengths[wanted] = used, length
            used += length
            if tag == 0x00020010:
                encoding = _syntax(data, start, length, root)
        at = start + length


@njit(cache=True, nogil=True, boundscheck=True)
def scan_headers(
    windows,
    held,
    sizes,
    root,
    tags,
    vrs,
    vr_length,
    sequence_tags,
    ends,
    packed,
    starts,
    lengths,
    pixels,
    status,
    encoding,
):
    """Find the values of ``tags`` in the first bytes of many files.

    Parameters
    ----------
    windows
        First bytes of each file, uint8, shape ``(n_files, window)``.
    held, sizes
        Bytes of each window that are the file's, and each file's size [byte], int64, ``(n_files,)``.
    root
        ``1.2.840.10008.1.2`` as uint8.
    tags, vrs
        Wanted ``group << 16 | element``, int64, ascending, ``(n_tags,)``; the value representations
        (``first | second << 8``) each may have in explicit encoding, int64, ``(n_tags, n_choices)``.
    vr_length
        For each of 65,536 value representations SHORT_LENGTH, LONG_LENGTH or 0 (unknown), uint8.
    sequence_tags
        Tags that the data dictionary calls sequences, int64, ascending; may be empty at first.
    ends
        Scratch, int64; its size bounds the nesting.
    packed
        Values one after the other, uint8, shape ``(n_files, room)``.
    starts, lengths
        Where each value is in its row of ``packed``; a length of -1 means absent; int64,
        ``(n_files, n_tags)``.
    pixels
        Tag (0: no pixel data), offset in the file and stated length (UNDEFINED: encapsulated) [byte], int64,
        ``(n_files, 3)``.
    status, encoding
        DONE or why not; IMPLICIT, EXPLICIT or ENCAPSULATED; int64, ``(n_files,)``.
    """
    for i in range(windows.shape[0]):
        lengths[i, :] = -1
        pixels[i, :] = 0
        status[i], encoding[i], _ = _scan_header(
            windows[i], held[i], sizes[i], root, tags, vrs, vr_length, sequence_tags, ends,
            packed[i], packed.shape[1], starts[i], lengths[i], pixels[i],
        )  # fmt: skip


@njit(cache=True, nogil=True, boundscheck=True)
def first_occurrences(packed, starts, lengths, table, first):
    """Say for each value which file has it first, so that it is made an object only once.

    Parameters
    ----------
    packed, starts, lengths
        As :func:`scan_headers` leaves them.
    table
        Scratch, int64; its size is a power of two and at least twice the number of files.
    first
        Index of the first file with the same value, -1 where it is absent, int64, ``(n_files, n_tags)``.
    """
    mask = table.size - 1
    for k in range(lengths.shape[1]):
        table[:] = -1
        for i in range(lengths.shape[0]):
            length, start = lengths[i, k], starts[i, k]
            if length < 0:
                first[i, k] = -1
                continue
            slot = length
            for b in range(length):
                slot = (slot * 31 + np.int64(packed[i, start + b])) & 0x7FFFFFFF
            slot = (slot ^ slot >> 15) & mask
            while True:
                j = table[slot]
                if j < 0:
                    table[slot] = i
                    first[i, k] = i
                    break
                same = lengths[j, k] == length
                other = starts[j, k]
                b = 0
                while same and b < length:
                    same = packed[i, start + b] == packed[j, other + b]
                    b += 1
                if same:
                    first[i, k] = j
                    break
                slot = (slot + 1) & mask
