"""The class II network: features of cores, weighed by a vector of the molecule, soft maximum over cores."""

from __future__ import annotations

import numpy as np
import torch
from class2_chains import molecule_marks
from class2_data import FLANK, WIDTH, Windows
from residues import PAD, RESIDUES
from torch import Tensor, nn
from torch.nn import functional

SYMBOLS = PAD + 1
#: Sharpness of the soft maximum over cores, and what the logit starts from.
SHARPNESS, START = 2.0, -1.0
#: How well residues fill the first pocket, as anchored networks start: large and greasy ones best.
FIRST_POCKET = {
    **dict.fromkeys("FILMVWY", 1.0),
    **dict.fromkeys("ACST", 0.0),
    **dict.fromkeys("GHNKQ", -0.7),
    **dict.fromkeys("DERP", -1.0),
}


def mark_matrix(molecules: list[str], chains: dict[str, str]) -> tuple[list[str], np.ndarray]:
    """All marks of the molecules, ascending, and each molecule's weights on them, (molecules, marks)."""
    each = [molecule_marks(name, chains) for name in molecules]
    marks = sorted({mark for some in each for mark in some})
    column = {mark: number for number, mark in enumerate(marks)}
    matrix = np.zeros((len(molecules), len(marks)), np.float32)
    for row, some in enumerate(each):
        for mark, weight in some.items():
            matrix[row, column[mark]] = weight
    return marks, matrix


class Class2Network(nn.Module):
    """Two layers of core features (no molecule in them) and one vector and offset per mark of a molecule.

    An anchored network scores the first residue of a core directly as well, which keeps its cores where the
    groove's are; a free one may learn a motif some places off, as flanks are seen too.
    """

    def __init__(
        self, matrix: np.ndarray, *, hidden: int, features: int, dropout: float, anchored: bool = False
    ) -> None:
        super().__init__()
        self.dropout = dropout
        self.table = nn.Embedding(WIDTH * SYMBOLS, hidden)
        nn.init.normal_(self.table.weight, 0.0, 0.2)
        if anchored:  # what lies beside the core starts small, so that motifs are learned where the core is
            self.table.weight.data[: FLANK * SYMBOLS] *= 0.1
            self.table.weight.data[-FLANK * SYMBOLS :] *= 0.1
        start = [FIRST_POCKET[residue] for residue in RESIDUES] + [0.0]
        self.anchor = nn.Parameter(torch.tensor(start) * float(anchored), requires_grad=anchored)
        self.place = nn.Linear(3, hidden)
        self.deep = nn.Linear(hidden, features)
        self.vectors = nn.Parameter(torch.randn(matrix.shape[1], features) * 0.15)
        self.offsets = nn.Parameter(torch.zeros(matrix.shape[1]))
        self.register_buffer("matrix", torch.from_numpy(matrix), persistent=False)
        self.register_buffer("rows", torch.arange(WIDTH) * SYMBOLS, persistent=False)

    def features(self, codes: Tensor, place: Tensor) -> Tensor:
        """Features of every core, (n x W, features)."""
        total = functional.embedding_bag(
            (codes + self.rows).reshape(-1, WIDTH), self.table.weight, mode="sum"
        )
        first = functional.relu(total + self.place(place.reshape(-1, 3)))
        first = functional.dropout(first, self.dropout, self.training)
        return functional.dropout(functional.relu(self.deep(first)), self.dropout, self.training)

    def cores(self, windows: Windows) -> Tensor:
        """Score of every core for every molecule, (n, W, molecules); far below all where there is none."""
        codes, exist, place = (
            torch.from_numpy(part) for part in (windows.codes, windows.exist, windows.place)
        )
        scores = self.features(codes, place) @ (self.matrix @ self.vectors).T
        scores = scores.view(*exist.shape, -1) + self.anchor[codes[..., FLANK]][..., None]
        return scores.masked_fill(~exist[..., None], -1e4)

    def best(self, cores: Tensor) -> Tensor:
        """Logit of the strength from the scores of cores, (n, molecules)."""
        soft = torch.logsumexp(cores * SHARPNESS, 1) / SHARPNESS
        return soft + self.matrix @ self.offsets + START

    def forward(self, windows: Windows) -> Tensor:
        """Logit of the strength of every peptide with every molecule, (n, molecules)."""
        return self.best(self.cores(windows))
