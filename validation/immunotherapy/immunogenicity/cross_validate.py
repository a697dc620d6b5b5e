"""Cross-validate the ranker on IMPROVE's tested peptides, and write the fit that ships.

Usage: ``python validation/immunotherapy/immunogenicity/cross_validate.py DATA``, where DATA holds
``immunotherapy/cohorts/``. Writes ``immunogenicity.csv`` and ``immunogenicity.md`` beside itself and
``class1.json`` in the package.

The table has no patients: peptides that share eight residues, directly or through others, are one group.
"""

import csv
import json
import sys
from functools import partial
from pathlib import Path

import numpy as np

from tumorboard.core import HlaMolecule, MhcClass
from tumorboard.immunotherapy import ranking
from tumorboard.immunotherapy.binding import load_model
from tumorboard.immunotherapy.ranking import (
    IMMUNOGENICITY_FEATURES,
    PRESENTATION_FEATURES,
    ImmunogenicityModel,
    area_under_curve,
    area_within,
    average_precision,
    bootstrap_interval,
    cross_validate,
    groups_by_shared_words,
    immunogenicity_features,
    top_share,
)

HERE = Path(__file__).resolve().parent
PENALTY, FOLDS, DEALS, RESAMPLES = 100.0, 5, 5, 500


def read(data):
    """Peptides, alleles and answers."""
    path = Path(data) / "immunotherapy" / "cohorts" / "In_house_neoepitope_for_CV.tsv"
    with path.open() as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    alleles = [str(HlaMolecule.named(row["HLA_allele"])) for row in rows]
    return [row["Mut_peptide"] for row in rows], alleles, np.array([int(row["response"]) for row in rows])


def predict(peptides, alleles):
    """Affinity, percentile and presentation of each pair, and who says so."""
    model = load_model(MhcClass.I)
    values = np.full((len(peptides), 3), np.nan)
    for allele in sorted(set(alleles)):
        rows = [k for k, name in enumerate(alleles) if name == allele]
        table = model.predict([peptides[k] for k in rows], [HlaMolecule.named(allele)])
        for column, array in enumerate((table.affinity_nm, table.percentile, table.presentation)):
            values[rows, column] = array[:, 0]
    return values, model


def allele_rates(labels, alleles, folds):
    """How often each allele's peptides of the other folds were answered."""
    names, which = np.unique(alleles, return_inverse=True)
    scores = np.empty(labels.size)
    for fold in range(FOLDS):
        kept = folds != fold
        rate = (np.bincount(which[kept], labels[kept], names.size) + 1.0) / (
            np.bincount(which[kept], minlength=names.size) + 40.0
        )
        scores[~kept] = rate[which[~kept]]
    return scores


def judged(name, scores, labels, alleles, groups):
    """One row of the table."""
    interval = partial(
        bootstrap_interval, labels=labels, scores=scores, groups=groups, resamples=RESAMPLES, seed=1
    )
    within = interval(lambda y, s, w: area_within(y, s, alleles, w))
    return {
        "score": name,
        "auc": interval(area_under_curve),
        "auc_within_alleles": within,
        "average_precision": interval(average_precision),
        "share_in_top_5_percent": interval(partial(top_share, of_all=0.05)),
        "share_in_top_20_percent": interval(partial(top_share, of_all=0.2)),
    }


def main(data):
    """Judge, fit and write."""
    peptides, alleles, labels = read(data)
    values, predictor = predict(peptides, alleles)
    groups = groups_by_shared_words(peptides, word=8)
    features = immunogenicity_features(peptides, alleles, values[:, 0], values[:, 1])
    rows = [
        judged("affinity (predicted)", -values[:, 0], labels, alleles, groups),
        judged("percentile (predicted)", -values[:, 1], labels, alleles, groups),
        judged("presentation (predicted)", values[:, 2], labels, alleles, groups),
    ]
    for k, name in enumerate(IMMUNOGENICITY_FEATURES):
        if name not in PRESENTATION_FEATURES:
            sign = -1.0 if name == "exposed_proline" else 1.0
            rows.append(
                judged(
                    name + (" (fewer)" if sign < 0 else ""), sign * features[:, k], labels, alleles, groups
                )
            )
    model = ImmunogenicityModel(PENALTY)
    residues = tuple(name for name in IMMUNOGENICITY_FEATURES if name not in PRESENTATION_FEATURES)
    kinds = {
        "ranker, presentation alone": (
            ImmunogenicityModel(PENALTY, PRESENTATION_FEATURES),
            PRESENTATION_FEATURES,
        ),
        "ranker, residues alone": (ImmunogenicityModel(PENALTY, residues, ()), residues),
        "ranker": (model, IMMUNOGENICITY_FEATURES),
    }
    deals = {}
    for name, (kind, columns) in kinds.items():
        chosen = features[:, [IMMUNOGENICITY_FEATURES.index(c) for c in columns]]
        runs = [
            cross_validate(kind, chosen, labels, groups, n_folds=FOLDS, salt=str(deal))
            for deal in range(DEALS)
        ]
        rows.append(judged(name, runs[0].log_odds, labels, alleles, groups))
        deals[name] = [area_under_curve(labels, run.log_odds) for run in runs]
        folds = runs[0].folds
    # Each allele is scored by models that have seen none of its peptides.
    unseen = [
        cross_validate(model, features, labels, alleles, n_folds=FOLDS, salt=str(deal))
        for deal in range(DEALS)
    ]
    name = "ranker, alleles held out"
    rows.append(judged(name, unseen[0].log_odds, labels, alleles, groups))
    deals[name] = [area_under_curve(labels, run.log_odds) for run in unseen]
    rows.append(judged("allele's rate alone", allele_rates(labels, alleles, folds), labels, alleles, groups))
    write(rows, deals, labels, groups)
    fit = model.fit(features, labels)
    best = next(row for row in rows if row["score"] == "ranker")
    tree = fit.to_dict() | {
        "about": {
            "data": "IMPROVE, In_house_neoepitope_for_CV.tsv: class I, 36 alleles, 8 to 11 residues",
            "predictor": {"version": predictor.version, "training_digest": predictor.training_digest},
            "cross_validated_auc": [round(v, 3) for v in vars_of(best["auc"])],
            "cross_validated_auc_within_alleles": [round(v, 3) for v in vars_of(best["auc_within_alleles"])],
            "groups": "peptides that share 8 residues; the table names no patients",
        }
    }
    path = Path(ranking.__file__).parent / "tables" / "immunogenicity" / "class1.json"
    path.write_text(json.dumps(tree, indent=1) + "\n", encoding="utf-8")


def vars_of(interval):
    """Value, low and high."""
    return interval.value, interval.low, interval.high


def write(rows, deals, labels, groups):
    """Write both tables."""
    with (HERE / "immunogenicity.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        columns = [c for c in rows[0] if c != "score"]
        writer.writerow(["score", *(f"{c}{end}" for c in columns for end in ("", "_low", "_high"))])
        for row in rows:
            writer.writerow([row["score"], *(f"{v:.4f}" for c in columns for v in vars_of(row[c]))])
    n_groups = len(set(groups.tolist()))
    lines = [
        f"{labels.size} tested pairs, {labels.sum()} answered, {n_groups} groups of shared 8-mers (largest "
        f"{np.bincount(groups).max()}). Percentile intervals (95 %) from {RESAMPLES} draws of groups.",
        "",
        "| score | AUC | AUC within alleles | average precision | answered in the top 5 % | top 20 % |",
        "|---|---|---|---|---|---|",
    ]
    for row in rows:
        lines.append("| " + " | ".join([row["score"], *(str(row[c]) for c in columns)]) + " |")
    lines += ["", f"AUC of {DEALS} dealings of the groups to {FOLDS} folds:", ""]
    for name, areas in deals.items():
        lines.append(f"- {name}: " + ", ".join(f"{area:.3f}" for area in areas))
    (HERE / "immunogenicity.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
