"""Train class I networks, one a seed.

python train_class1.py --data DIR --seeds 1 2 3 --held 0 --out DIR
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

import numpy as np
import torch
from class1_data import Class1Data, allele_rows, encode, load, random_peptides
from class1_network import Class1Network
from grooves import immunotype_table
from score_class1 import report
from torch.nn import functional


def arguments() -> argparse.Namespace:
    """Settings; the defaults are the shipped ones."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--grooves", type=Path)
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("--seeds", type=int, nargs="+", required=True)
    line.add_argument("--held", type=int, required=True, help="fold that is scored")
    line.add_argument("--apart", type=int, nargs="*", default=[], help="folds neither learned nor scored")
    line.add_argument("--without", type=int, help="fifth of the alleles to leave out")
    line.add_argument("--hidden", type=int, default=256)
    line.add_argument("--second", type=int, default=62)
    line.add_argument("--third", type=int, default=0)
    line.add_argument("--dropout", type=float, default=0.45)
    line.add_argument("--decay", type=float, default=0.6)
    line.add_argument("--rate", type=float, default=3e-3)
    line.add_argument("--ligand-weight", type=float, default=0.4)
    line.add_argument(
        "--rarity", type=float, default=0.25, help="power of 1/rows of the allele in its weight"
    )
    line.add_argument("--own", type=int, default=1)
    line.add_argument("--steps", type=int, default=6000)
    line.add_argument("--pairs", type=int, default=512)
    line.add_argument("--ligands", type=int, default=64)
    return line.parse_args()


def model_of(data: Class1Data, settings: argparse.Namespace) -> Class1Network:
    """An untrained network; alleles with training rows get a correction of their own."""
    known = np.union1d(data.train.alleles, allele_rows(data.hits, data.number_of))
    slot = np.full(len(data.names), -1, np.int64)
    slot[known] = np.arange(len(known))
    return Class1Network(
        torch.from_numpy(data.features),
        torch.from_numpy(slot),
        hidden=settings.hidden,
        second=settings.second,
        dropout=settings.dropout,
        own=bool(settings.own),
        third=settings.third,
    )


def optimiser(model: Class1Network, settings: argparse.Namespace) -> torch.optim.AdamW:
    """AdamW; biases do not decay, own corrections decay ten times as fast."""
    groups: dict[float, list[torch.nn.Parameter]] = {}
    for name, weight in model.named_parameters():
        decay = 0.0 if name.endswith("bias") else settings.decay * (10.0 if name == "own" else 1.0)
        groups.setdefault(decay, []).append(weight)
    return torch.optim.AdamW(
        [{"params": weights, "weight_decay": decay} for decay, weights in groups.items()], lr=settings.rate
    )


def ligand_loss(model, table, codes, alleles, labels) -> torch.Tensor:
    """Cross-entropy of the sample's best allele, found without dropout and learned with it."""
    model.eval()
    with torch.no_grad():
        sample = torch.unique(alleles)
        gain, shift = model.allele_part(sample)
        where = torch.searchsorted(sample, alleles)
        peptide = model.peptide_part(codes, table)
        best = model.pair(peptide[:, None, :], gain[where], shift[where])[..., 1].argmax(1)
    model.train()
    chosen = alleles.gather(1, best[:, None])[:, 0]
    used, back = torch.unique(chosen, return_inverse=True)
    gain, shift = model.allele_part(used)
    logit = model.pair(
        model.peptide_part(codes, table), functional.embedding(back, gain), functional.embedding(back, shift)
    )[:, 1]
    weight = torch.where(labels > 0, 1.5, 0.5)
    return functional.binary_cross_entropy_with_logits(logit, labels, weight=weight)


def train(data: Class1Data, settings: argparse.Namespace, seed: int) -> Class1Network:
    """Fit by a cosine of the rate with a short warm-up; batches are drawn by the seed alone."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    model = model_of(data, settings)
    steps = optimiser(model, settings)
    pair_codes, pair_alleles = encode(data.train.peptides), data.train.alleles
    strength = torch.from_numpy(data.train.strength)
    rarity = (1.0 / np.bincount(pair_alleles)[pair_alleles]) ** settings.rarity
    weight = torch.from_numpy(
        (np.sqrt(data.train.rows) * (rarity / rarity.mean()).clip(0.3, 4)).astype(np.float32)
    )
    hit_codes, hit_alleles = (
        encode([row.peptide for row in data.hits]),
        allele_rows(data.hits, data.number_of),
    )
    random_codes = encode(random_peptides(data, 200_000, rng))
    print(f"pairs {len(pair_codes)} hits {len(hit_codes)} steps {settings.steps}", flush=True)
    order, at, began, sums = rng.permutation(len(pair_codes)), 0, time.monotonic(), [0.0, 0.0]
    model.train()
    for step in range(settings.steps):
        rate = (
            settings.rate * min(1.0, step / 200) * (0.5 + 0.5 * np.cos(np.pi * step / settings.steps) + 1e-3)
        )
        for group in steps.param_groups:
            group["lr"] = rate
        if at + settings.pairs > len(order):
            order, at = rng.permutation(len(pair_codes)), 0
        rows = order[at : at + settings.pairs]
        at += settings.pairs
        table = model.table()
        used, back = torch.unique(torch.from_numpy(pair_alleles[rows]), return_inverse=True)
        gain, shift = model.allele_part(used)
        logits = model.pair(
            model.peptide_part(torch.from_numpy(pair_codes[rows]), table),
            functional.embedding(back, gain),
            functional.embedding(back, shift),
        )[:, 0]
        affinity = ((torch.sigmoid(logits) - strength[rows]) ** 2 * weight[rows]).mean()
        hits = rng.integers(0, len(hit_codes), settings.ligands)
        decoys = rng.integers(0, len(random_codes), 3 * settings.ligands)
        ligand = ligand_loss(
            model,
            table,
            torch.from_numpy(np.concatenate([hit_codes[hits], random_codes[decoys]])),
            torch.from_numpy(np.concatenate([hit_alleles[hits], np.repeat(hit_alleles[hits], 3, axis=0)])),
            torch.cat([torch.ones(len(hits)), torch.zeros(len(decoys))]),
        )
        steps.zero_grad()
        (10.0 * affinity + settings.ligand_weight * ligand).backward()
        steps.step()
        sums = [sums[0] + affinity.item(), sums[1] + ligand.item()]
        if (step + 1) % 1000 == 0:
            print(
                step + 1,
                f"{sums[0] / 1000:.4f} {sums[1] / 1000:.4f} {time.monotonic() - began:.0f} s",
                flush=True,
            )
            sums = [0.0, 0.0]
    model.eval()
    return model


@torch.no_grad()
def predict(model: Class1Network, peptides: list[str], alleles: np.ndarray) -> np.ndarray:
    """Both logits of each peptide with its allele (n,) or its sample's alleles (n, 6)."""
    table = model.table()
    parts = []
    for start in range(0, len(peptides), 4096):
        wanted = torch.from_numpy(alleles[start : start + 4096])
        used, back = torch.unique(wanted, return_inverse=True)
        gain, shift = model.allele_part(used)
        peptide = model.peptide_part(torch.from_numpy(encode(peptides[start : start + 4096])), table)
        peptide = peptide if wanted.ndim == 1 else peptide[:, None, :]
        parts.append(model.pair(peptide, gain[back], shift[back]).numpy())
    return np.concatenate(parts)


def main() -> None:
    """Train, score on the held-out fold and keep weights, predictions and settings."""
    settings = arguments()
    torch.set_num_threads(1)
    data = load(
        settings.data,
        settings.grooves or immunotype_table(),
        held_fold=settings.held,
        apart=tuple(settings.apart),
        without=settings.without,
    )
    settings.out.mkdir(parents=True, exist_ok=True)
    numbers = np.array([data.number_of[row.allele] for row in data.held_rows])
    affinities, ligands = [], []
    for seed in settings.seeds:
        model = train(data, settings, seed)
        name = f"class1_held{settings.held}_seed{seed}"
        torch.save(model.state_dict(), settings.out / f"{name}.pt")
        (settings.out / f"{name}.json").write_text(
            json.dumps({key: str(value) for key, value in vars(settings).items()}, indent=1)
        )
        affinities.append(predict(model, [row.peptide for row in data.held_rows], numbers))
        ligands.append(
            predict(
                model,
                [row.peptide for row in data.held_ligands],
                allele_rows(data.held_ligands, data.number_of),
            )
        )
        np.savez(settings.out / f"{name}.npz", affinity=affinities[-1], ligand=ligands[-1])
        affinity, ligand = np.mean(affinities, axis=0), np.mean(ligands, axis=0)
        print(f"mean of {len(affinities)} networks")
        print(report(data.held_rows, affinity[:, 0], data.held_ligands, ligand[..., 1].max(1)), flush=True)


if __name__ == "__main__":
    main()
