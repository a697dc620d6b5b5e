"""Split peptides so that no 8-mer (class I) or 9-mer (class II) is on both sides, by the data alone."""

import hashlib
from collections.abc import Iterable, Sequence


def words(peptide: str, length: int) -> list[str]:
    """Every word of a length in a peptide; a shorter peptide is its own word."""
    if len(peptide) <= length:
        return [peptide]
    return [peptide[start : start + length] for start in range(len(peptide) - length + 1)]


def components(peptides: Iterable[str], word_length: int) -> dict[str, str]:
    """Name each peptide's component, all that shared words link, by its first member in the alphabet."""
    names = sorted(set(peptides))
    parent = list(range(len(names)))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    first_with: dict[str, int] = {}
    for number, peptide in enumerate(names):
        for word in words(peptide, word_length):
            other = first_with.setdefault(word, number)
            a, b = root(number), root(other)
            if a != b:
                parent[max(a, b)] = min(a, b)
    return {peptide: names[root(number)] for number, peptide in enumerate(names)}


def fold_of(name: str, folds: int, salt: str) -> int:
    """Fold of a name: the head of its salted SHA-256, so that nobody chose it."""
    return int(hashlib.sha256((salt + name).encode()).hexdigest()[:8], 16) % folds


def peptide_folds(
    peptides: Iterable[str], word_length: int, *, folds: int = 5, salt: str = "imm1"
) -> dict[str, int]:
    """Fold of each peptide; all peptides of one component share it."""
    return {
        peptide: fold_of(name, folds, salt) for peptide, name in components(peptides, word_length).items()
    }


def sample_fold(alleles: Sequence[str], *, folds: int = 5, salt: str = "samples1") -> int:
    """Fold of a ligand sample by its set of alleles: samples of one donor or cell line stay together."""
    return fold_of(" ".join(sorted(set(alleles))), folds, salt)


class WordBlock:
    """The words of everything a model is tested on; training peptides that hold any of them are dropped."""

    def __init__(self, peptides: Iterable[str], word_length: int) -> None:
        self.word_length = word_length
        self.held = {word for peptide in peptides for word in words(peptide, word_length)}

    def is_free(self, peptide: str) -> bool:
        """Tell whether no word of the peptide is held out."""
        return not any(word in self.held for word in words(peptide, self.word_length))
