import pytest

from tumorboard.core.hla import HlaMolecule
from tumorboard.errors import InputError
from tumorboard.phantoms import PLANTED, Making, SyntheticGene, TumourGenomeConfig, simulate_tumour_genome
from tumorboard.phantoms.synthetic_gene import CODONS, STOPS, residues_of


@pytest.fixture(scope="module", params=[1, 7])
def genome(request):
    return simulate_tumour_genome(TumourGenomeConfig(seed=request.param))


def mutant_protein(genome, names):
    """Translate a gene with changes put in, from the chromosome's bases alone."""
    variants = sorted((v for v, _ in genome.variants if v.name in names), key=lambda v: -v.position)
    first = variants[-1].position
    gene = max((g for g in genome.genes if g.start <= first), key=lambda g: g.start)
    bases = gene.coding
    for variant in variants:
        at = variant.position - gene.start
        assert bases[at : at + len(variant.reference)] == variant.reference
        bases = bases[:at] + variant.alternative + bases[at + len(variant.reference) :]
    return residues_of(bases).rstrip("*"), gene


def test_code__is_the_standard_one():
    assert sum(map(len, CODONS.values())) + len(STOPS) == 64
    assert len(CODONS) == 20
    assert {r: len(c) for r, c in CODONS.items() if len(c) in (1, 6)} == {
        "M": 1,
        "W": 1,
        "L": 6,
        "S": 6,
        "R": 6,
    }
    assert set(STOPS) == {"TAA", "TAG", "TGA"}


def test_gene__refuses_bases_of_another_protein():
    with pytest.raises(InputError, match="must code for its protein"):
        SyntheticGene("G", "T", "MA", "ATGGGTTAA")


def test_genome__genes_stand_where_they_say(genome):
    for gene in genome.genes:
        assert genome.bases[gene.start - 1 : gene.start - 1 + len(gene.coding)] == gene.coding


def test_genome__each_planted_peptide_is_made_by_its_change_and_by_nothing_normal(genome):
    by_gene = {}
    for variant, (change,) in genome.variants:
        by_gene.setdefault(change.gene, []).append(variant.name)
    for epitope, name in genome.planted:
        assert by_gene[epitope.gene][0] == name
        made, gene = mutant_protein(genome, by_gene[epitope.gene])
        assert epitope.peptide in made
        assert epitope.peptide not in gene.protein
        holds = [g.symbol for g in genome.genes if epitope.peptide in g.protein]
        assert bool(holds) is epitope.elsewhere


def test_genome__two_changes_on_one_copy_make_one_peptide_that_neither_makes_alone(genome):
    (epitope,) = (e for e in PLANTED if e.making is Making.TWO_SUBSTITUTIONS)
    own = [(v, c) for v, (c,) in genome.variants if c.gene == epitope.gene]
    assert len(own) == 2
    assert len({variant.phase for variant, _ in own}) == 1
    for variant, _ in own:
        assert epitope.peptide not in mutant_protein(genome, [variant.name])[0]


def test_genome__changes_say_what_the_bases_do(genome):
    for variant, (change,) in genome.variants:
        made, gene = mutant_protein(genome, [variant.name])
        start = change.protein_start - 1
        old = change.reference_residues
        assert gene.protein[start : start + len(old)] == old
        if change.mutant_protein is not None:
            assert change.mutant_protein == made
        elif change.consequences == ("stop_gained",):
            assert made == gene.protein[:start]
        else:
            rest = gene.protein[start + len(old) :]
            assert made == gene.protein[:start] + change.alternative_residues + rest


def test_genome__is_the_same_each_time_and_another_for_another_seed():
    one, same, other = (simulate_tumour_genome(TumourGenomeConfig(seed=s)) for s in (3, 3, 4))
    assert one.bases == same.bases != other.bases
    assert one.truth() == same.truth()


def test_genome__the_lost_molecule_presents_nothing(genome):
    (epitope,) = (e for e in PLANTED if e.gene == "LOST1")
    assert HlaMolecule.named(epitope.allele) not in genome.hla.molecules()


@pytest.mark.parametrize("choice", [{"seed": -1}, {"bystanders": -1}])
def test_config__says_what_is_wrong(choice):
    with pytest.raises(InputError, match="must be >= 0"):
        TumourGenomeConfig(**choice)
