"""The class I network: a sum of rows per peptide, a gain and a shift per allele, a small head per pair."""

from __future__ import annotations

import torch
from residues import likeness
from torch import Tensor, nn
from torch.nn import functional

POSITIONS = 30
SYMBOLS = 21
LATENT = 64


class Class1Network(nn.Module):
    """Feature-wise modulation [perez2018film] of a peptide sum by an allele's groove.

    The peptide table is a free row per (position, residue) and a share that follows BLOSUM62. An allele's
    latent comes from its contact residues, and for alleles with training rows from a correction of its own,
    which is left out at random so that alleles without one are served by the same weights.
    """

    def __init__(
        self,
        features: Tensor,
        trained: Tensor,
        *,
        hidden: int,
        second: int,
        dropout: float,
        own: bool,
        third: int = 0,
    ):
        super().__init__()
        self.register_buffer("features", features, persistent=False)
        self.register_buffer("likeness", torch.from_numpy(likeness()), persistent=False)
        self.register_buffer("slot", trained, persistent=False)  # row of the own correction, -1 without
        self.register_buffer("offsets", torch.arange(POSITIONS) * SYMBOLS, persistent=False)
        self.dropout = dropout
        self.free = nn.Parameter(torch.randn(POSITIONS * SYMBOLS, hidden) * 0.08)
        self.shared = nn.Parameter(torch.randn(POSITIONS, 20, hidden) * 0.08)
        self.contact = nn.Linear(features.shape[1], LATENT)
        self.own = nn.Parameter(torch.zeros(int(trained.max()) + 1, LATENT)) if own else None
        self.gain = nn.Linear(LATENT, hidden)
        self.shift = nn.Linear(LATENT, hidden)
        self.inner = nn.Linear(hidden, second)
        self.deep = nn.Linear(second, third) if third else None
        self.outer = nn.Linear(third or second, 2)
        self.straight = nn.Linear(hidden, 2, bias=False)
        nn.init.normal_(self.gain.weight, 0.0, 0.1)
        nn.init.zeros_(self.gain.bias)

    def table(self) -> Tensor:
        """Rows by position and residue, (630, hidden)."""
        return self.free + torch.einsum("sr,prh->psh", self.likeness, self.shared).reshape(self.free.shape)

    def peptide_part(self, codes: Tensor, table: Tensor | None = None) -> Tensor:
        """Sum of a peptide's thirty rows, (n, hidden)."""
        table = self.table() if table is None else table
        return functional.embedding_bag(codes + self.offsets, table, mode="sum")

    def allele_part(self, alleles: Tensor) -> tuple[Tensor, Tensor]:
        """Gain and shift of alleles, each (n, hidden)."""
        latent = self.contact(self.features[alleles])
        if self.own is not None:
            slots = self.slot[alleles]
            correction = self.own[slots.clamp(min=0)] * (slots >= 0)[:, None]
            if self.training:
                correction = correction * (torch.rand(len(alleles), 1) < 0.7)
            latent = latent + correction
        latent = torch.tanh(latent)
        return 1.0 + self.gain(latent), self.shift(latent)

    def pair(self, peptide: Tensor, gain: Tensor, shift: Tensor) -> Tensor:
        """Affinity logit and ligand logit of pairs, (..., 2)."""
        joined = functional.relu_(torch.addcmul(shift, peptide, gain))
        joined = functional.dropout(joined, self.dropout, self.training)
        both = functional.linear(joined, torch.cat([self.inner.weight, self.straight.weight]))
        units = both.shape[-1] - 2
        inner = functional.relu(both[..., :units] + self.inner.bias)
        if self.deep is not None:
            inner = functional.relu(self.deep(inner))
        return self.outer(inner) + both[..., units:]
