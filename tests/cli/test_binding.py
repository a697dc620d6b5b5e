import json

import pytest
from typer.testing import CliRunner

from tumorboard.cli.main import app, main


def _file(tmp_path, text):
    path = tmp_path / "peptides.txt"
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_binding_predict__prints_pairs_as_json(tmp_path):
    path = _file(tmp_path, "GILGFVFTL\nNLVPMVATV\n")
    shown = CliRunner().invoke(
        app, ["binding", "predict", "--peptides", path, "--alleles", "A*02:01,B0702", "--json", "-"]
    )
    found = json.loads(shown.stdout)
    assert set(found["pairs"][0]) == {
        "peptide",
        "allele",
        "affinity_nm",
        "percentile",
        "presentation",
        "uncertainty",
    }
    assert [pair["allele"] for pair in found["pairs"]] == ["HLA-A*02:01", "HLA-B*07:02"] * 2
    assert found["pairs_per_s"] > 0


def test_binding_predict__shows_the_best_first(tmp_path):
    path = _file(tmp_path, "peptide\nGGGGGGGGG\nGILGFVFTL\n")
    shown = CliRunner().invoke(app, ["binding", "predict", "--peptides", path, "--alleles", "A0201"]).stdout
    assert shown.index("GILGFVFTL") < shown.index("GGGGGGGGG")


@pytest.mark.parametrize(
    ("text", "alleles", "said"),
    [
        ("SIINFEKX\n", "A*02:01", "SIINFEKX"),
        ("SIINF\n", "A*02:01", "SIINF"),
        ("SIINFEKL\n", "A*99:99", "A*99:99"),
        ("SIINFEKL\n", "A2", "two fields"),
        ("SIINFEKL\n", "A*24:09N", "a null allele"),
        ("", "A*02:01", "must hold a peptide"),
    ],
)
def test_binding_predict__says_what_is_wrong_in_one_sentence(
    tmp_path, capsys, monkeypatch, text, alleles, said
):
    path = _file(tmp_path, text)
    arguments = ["tumorboard", "binding", "predict", "--peptides", path, "--alleles", alleles]
    monkeypatch.setattr("sys.argv", arguments)
    with pytest.raises(SystemExit) as ended:
        main()
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert ended.value.code == 2
    assert line.startswith("Error: ")
    assert said in line


def test_binding_compare__tells_agreement_by_allele(tmp_path):
    path = tmp_path / "other.csv"
    path.write_text(
        "allele,peptide,mhcflurry_affinity,mhcflurry_affinity_percentile\n"
        "HLA-A*02:01,GILGFVFTL,14,0.01\nHLA-A*02:01,GGGGGGGGG,30000,40\n",
        encoding="utf-8",
    )
    shown = CliRunner().invoke(app, ["binding", "compare", str(path)]).stdout
    assert "MHCflurry: 2 pairs compared, 0 left out" in shown
    assert "HLA-A*02:01: 2 pairs, rank correlation 1.000 of percentile" in shown
    told = json.loads(CliRunner().invoke(app, ["binding", "compare", str(path), "--json", "-"]).stdout)
    assert told["tools"][0]["alleles"][0]["pairs"] == 2
