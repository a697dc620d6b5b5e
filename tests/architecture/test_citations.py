"""Each citation key in the code has its entry in docs/references.bib, and each entry is complete."""

import ast
import re

import pytest

REFERENCE = re.compile(r"^\s*\.\. \[\d+\]\s+(.+)$", re.MULTILINE)
#: Author, year, and a word to tell two of one year apart: ``kinahan2010suv``; or a standard: ``dicomPS33``.
KEY = re.compile(r"[a-z][A-Za-z]*\d[A-Za-z0-9]*")
DATED = r"[a-z]+(?:18|19|20)\d\d[a-z0-9]*"
IN_TEXT = re.compile(rf"\[({DATED})\]")
NEEDED = {"title", "year"}


def entries_of(bibliography):
    """Key to field names, of BibTeX as we write it: one field a line, or all of them on one."""
    entries = {}
    for kind, key, body in re.findall(r"^@(\w+)\{([^,\s]+),(.*?)^\}", bibliography, re.MULTILINE | re.DOTALL):
        twice = key.lower() in {k.lower() for k in entries}  # BibTeX does not tell case apart
        assert not twice, f"docs/references.bib: {key} is there twice"
        entries[key] = {f.lower() for f in re.findall(r"(\w+)\s*=\s*[{\"\d]", body)} | {kind.lower()}
    return entries


def keys_of(text):
    """(line, key) of each ``.. [1] key`` and ``[key]`` in docstrings, and each key in ``references=``."""
    tree = ast.parse(text)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.Module):
            docstring = ast.get_docstring(node) or ""
            for reference in REFERENCE.findall(docstring) + IN_TEXT.findall(docstring):
                yield getattr(node, "lineno", 1), reference.strip()
        # A dated key that stands alone in a string is one, wherever it is kept until a record takes it.
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and re.fullmatch(DATED, node.value):
            yield node.lineno, node.value
        if isinstance(node, ast.Call):
            for keyword in node.keywords:
                if keyword.arg == "references":
                    for part in ast.walk(keyword.value):
                        if isinstance(part, ast.Constant) and isinstance(part.value, str):
                            if not re.fullmatch(DATED, part.value):
                                yield part.lineno, part.value


def faults_of(name, text, entries):
    for line, key in keys_of(text):
        if not KEY.fullmatch(key):
            yield f"{name}:{line}: a reference is a key like kinahan2010suv and nothing else; got {key!r}"
        elif key not in entries:
            yield f"{name}:{line}: {key} is not in docs/references.bib"


@pytest.fixture(scope="session")
def entries(repository):
    return entries_of((repository / "docs" / "references.bib").read_text(encoding="utf-8"))


def test_citations__resolve(repository, sources, entries):
    faults = [
        fault
        for file in sources
        for fault in faults_of(str(file.relative_to(repository)), file.read_text(encoding="utf-8"), entries)
    ]
    assert not faults, "\n".join(faults)


def test_citations__entries_are_complete(repository, entries):
    written = (repository / "docs" / "references.bib").read_text(encoding="utf-8")
    assert len(entries) == len(re.findall(r"^@(?!comment)", written, re.MULTILINE)), "an entry does not parse"
    for key, fields in entries.items():
        assert KEY.fullmatch(key), f"docs/references.bib: {key} is not of the form kinahan2010suv"
        assert fields >= NEEDED, f"docs/references.bib: {key} lacks {NEEDED - fields}"
        assert fields & {"author", "editor", "organization"}, f"docs/references.bib: {key} names no author"


SAMPLE = '''
def suv():
    """Doc, by [unknown2014].

    References
    ----------
    .. [1] known2010
    .. [2] unknown2011
    .. [3] Smith et al., 2012
    """
    return Record("pet.suv", references=("known2010", "unknown2013", "nist"))

KEPT = ("unknown2015", "text of 2016")
'''


def test_citations__the_checker_finds_each_kind_of_fault():
    entries = entries_of("@article{known2010,\n  title = {A},\n  author = {B},\n  year = 2010,\n}\n")
    assert entries == {"known2010": {"title", "author", "year", "article"}}
    faults = [*faults_of("a.py", SAMPLE, entries)]
    assert len(faults) == 6, faults
    assert all(
        key in " ".join(faults) for key in ("unknown2011", "Smith et al., 2012", "unknown2013", "unknown2014")
    )
