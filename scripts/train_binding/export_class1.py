"""Fold trained class I networks into one file of arrays.

python export_class1.py --data DIR --held 0 --out RAW.npz MODEL.pt ...

What the run-time package needs and nothing else: no sequence of an HLA molecule leaves this script, only each
groove's learned latent. `calibrate_class1.py` then adds percentiles and uncertainty, and the digest.
"""

from __future__ import annotations

import argparse
import json
from collections import Counter
from pathlib import Path

import numpy as np
import torch
from class1_data import Class1Data, load
from class1_network import LATENT, POSITIONS, SYMBOLS, Class1Network
from grooves import immunotype_table
from train_class1 import model_of

#: Fewer measured pairs do not make an allele one to lean on, as `allele_notes` has it.
FEW_PAIRS = 50


def network_arrays(model: Class1Network, grooves: torch.Tensor) -> dict[str, np.ndarray]:
    """One network's arrays; `grooves` holds one allele of each kind of groove."""
    table = model.table().reshape(2, POSITIONS // 2, SYMBOLS, -1).numpy().copy()
    table[1] = table[1, ::-1].copy()  # by distance from the last residue
    latent = model.contact(model.features[grooves])
    if model.own is not None:
        slots = model.slot[grooves]
        latent = latent + model.own[slots.clamp(min=0)] * (slots >= 0)[:, None]
    gain = torch.cat([model.gain.weight.T, 1.0 + model.gain.bias[None]])
    shift = torch.cat([model.shift.weight.T, model.shift.bias[None]])
    return {
        "table": table,
        "latent": torch.tanh(latent).numpy(),
        "modulation": torch.cat([gain, shift], dim=1).numpy(),
        "first": torch.cat([model.inner.weight, model.straight.weight]).numpy(),
        "first_bias": torch.cat([model.inner.bias, torch.zeros(2)]).numpy(),
        "second": model.outer.weight.numpy(),
        "second_bias": model.outer.bias.numpy(),
    }


def as_bytes(values: np.ndarray, *, axis: int) -> tuple[np.ndarray, np.ndarray]:
    """Signed bytes and the scale to multiply them by, one for all numbers along an axis."""
    scale = (np.abs(values).max(axis=axis, keepdims=True) / 127.0).astype(np.float16)
    safe = np.where(scale > 0, scale, 1.0).astype(np.float64)
    return np.clip(np.rint(values / safe), -127, 127).astype(np.int8), scale


def kinds_of_groove(data: Class1Data, trained: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Kind of each allele (contact residues, and itself when trained on), and one allele of each kind."""
    kinds: dict[tuple[int, ...], int] = {}
    kind = np.empty(len(data.names), np.int64)
    first = []
    for number, codes in enumerate(data.codes):
        key = (*codes.tolist(), number if trained[number] else -1)
        if key not in kinds:
            kinds[key] = len(kinds)
            first.append(number)
        kind[number] = kinds[key]
    return kind, np.array(first)


def nearest_trained(data: Class1Data, well: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Nearest well trained allele by differing contact residues, the first of equals, and how many."""
    among = np.flatnonzero(well)
    apart = (data.codes[:, None, :] != data.codes[None, among, :]).sum(axis=2)
    best = apart.argmin(axis=1)
    return among[best], apart[np.arange(len(best)), best]


@torch.no_grad()
def main() -> None:
    """Write the arrays."""
    line = argparse.ArgumentParser()
    line.add_argument("--data", type=Path, required=True)
    line.add_argument("--grooves", type=Path)
    line.add_argument("--held", type=int, required=True)
    line.add_argument("--apart", type=int, nargs="*", default=[])
    line.add_argument("--out", type=Path, required=True)
    line.add_argument("models", type=Path, nargs="+")
    settings = line.parse_args()
    grooves = settings.grooves or immunotype_table()
    data = load(settings.data, grooves, held_fold=settings.held, apart=tuple(settings.apart))
    pairs = np.bincount(data.train.alleles, minlength=len(data.names))
    sets = Counter(allele for alleles in {row.alleles for row in data.hits} for allele in alleles)
    samples = np.array([sets[name] for name in data.names])
    trained = (pairs > 0) | (samples > 0)
    kind, first = kinds_of_groove(data, trained)
    nearest, differing = nearest_trained(data, (pairs >= FEW_PAIRS) | (samples > 0))
    networks = []
    for file in settings.models:
        kept = json.loads(file.with_suffix(".json").read_text())
        own = argparse.Namespace(
            **{key: int(kept[key]) for key in ("hidden", "second", "third", "own")}, dropout=0.0
        )
        model = model_of(data, own)
        model.load_state_dict(torch.load(file))
        model.eval()
        networks.append(network_arrays(model, torch.from_numpy(first)))
    assert networks[0]["latent"].shape == (len(first), LATENT)
    arrays = {key: np.stack([network[key] for network in networks]) for key in networks[0]}
    # A byte a number where there are many of them: the rows of the peptide table, each unit and place on its
    # own scale, and the latents.
    table, table_scale = as_bytes(arrays.pop("table"), axis=3)
    latent, latent_scale = as_bytes(arrays.pop("latent"), axis=1)
    np.savez(
        settings.out,
        **{key: values.astype(np.float16) for key, values in arrays.items()},
        table=table,
        table_scale=table_scale,
        latent=latent,
        latent_scale=latent_scale,
        alleles=np.array(data.names),
        groove=kind.astype(np.uint16),
        affinity_pairs=pairs.astype(np.uint32),
        ligand_samples=samples.astype(np.uint8),
        nearest=nearest.astype(np.uint16),
        differing=differing.astype(np.uint8),
    )
    print(
        f"{len(networks)} networks, {len(data.names)} alleles ({trained.sum()} trained), {len(first)} grooves"
    )


if __name__ == "__main__":
    main()
