import json

import pytest
from tumour_case import write_annotated

from tumorboard.cli import main as cli
from tumorboard.phantoms import TumourGenomeConfig, simulate_tumour_genome


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    genome = simulate_tumour_genome(TumourGenomeConfig(bystanders=0))
    return write_annotated(genome, tmp_path_factory.mktemp("tumour"))


@pytest.fixture
def targets(monkeypatch, capsys, folder):
    """Run the command in the folder; return its exit code and what it said."""

    def run(*words):
        monkeypatch.chdir(folder)
        monkeypatch.setattr("sys.argv", ["tumorboard", "immunotherapy", "targets", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code or 0, said.out, said.err

    return run


FILES = ("--vcf", "somatic.vcf", "--hla", "hla.txt")


@pytest.mark.slow
def test_targets__prints_json_and_nothing_else(targets):
    more = ("--proteome", "normal.pep.fa", "--hla-loss", "hla_lost.txt", "--purity", "0.9")
    code, out, err = targets(*FILES, *more, "--json", "-", "--jobs", 1)
    assert code == 0, err
    found = json.loads(out)
    assert found["targets"][0]["rank"] == 1
    assert found["purity"] == 0.9
    assert "purity" not in found["chosen_by_default"]
    assert {t["gene"] for t in found["targets"] if t["tier"] == "Pass"} >= {"ANCH1", "RASL1", "SHIFT1"}


@pytest.mark.slow
def test_targets__tells_people_the_choices(targets):
    code, out, err = targets(*FILES, "--class", "I")
    assert code == 0, err
    assert "Research only" in out
    assert "affinity_nm*: 500.0" in out
    assert "classes: ['I']" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--hla", "hla.txt"), "variants, fusions or junctions must be given"),
        (("--vcf", "somatic.vcf"), "HLA type must be there"),
        (("--vcf", "normal.pep.fa", "--hla", "hla.txt"), "VCF must begin with"),
        (("--vcf", "absent.vcf", "--hla", "hla.txt"), "absent.vcf"),
        ((*FILES, "--purity", "60"), "purity must be above 0 to 1"),
        ((*FILES, "--table", "normal.pep.fa"), "headers of none"),
        ((*FILES, "--tumour-sample", "X"), "X"),
    ],
)
def test_targets__bad_input_is_one_line_and_exit_code_2(targets, folder, words, message):
    code, out, err = targets(*words, "--json", "found.json")
    assert code == 2
    assert message in err
    assert out == ""
    assert err.count("\n") == 1
    assert not (folder / "found.json").exists()
