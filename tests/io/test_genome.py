"""Bases come from the place that samtools would take them from, whatever the file's layout."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError, UnreadableFile
from tumorboard.io.genome import Genome

pysam = pytest.importorskip("pysam")


def written(path, sequences, width, end="\n"):
    lines = []
    for name, bases in sequences.items():
        lines.append(f">{name} remarks{end}")
        lines += [bases[i : i + width] + end for i in range(0, len(bases), width)]
    path.write_bytes("".join(lines).encode())
    return path


@given(
    st.lists(st.text("ACGTNacgtn", min_size=1, max_size=90), min_size=1, max_size=4),
    st.integers(1, 30),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
    st.data(),
)
def test_genome__gives_the_same_bases_as_were_written(tmp_path_factory, parts, width, end, cut_end, data):
    folder = tmp_path_factory.mktemp("genome")
    sequences = {f"chr{i + 1}": bases for i, bases in enumerate(parts)}
    path = written(folder / "g.fa", sequences, width, end)
    if cut_end:
        path.write_bytes(path.read_bytes().rstrip(b"\r\n"))
    genome = Genome.opened(path)
    for name, bases in sequences.items():
        assert genome.length_of(name) == len(bases)
        first = data.draw(st.integers(1, len(bases)))
        last = data.draw(st.integers(first, len(bases)))
        assert genome.fetch(name[3:], first, last) == bases[first - 1 : last].upper()


@pytest.mark.parametrize("packed", [False, True])
def test_genome__reads_an_index_of_samtools(tmp_path, packed):
    sequences = {"1": "ACGT" * 40_000, "MT": "GGCCA" * 7}
    path = written(tmp_path / "g.fa", sequences, 60)
    if packed:
        pysam.tabix_compress(str(path), str(tmp_path / "g.fa.gz"))
        path = tmp_path / "g.fa.gz"
    pysam.faidx(str(path))
    genome = Genome.opened(path)
    with pysam.FastaFile(str(path)) as peer:
        for name, first, last in (("1", 1, 5), ("1", 65_270, 65_300), ("1", 1, 160_000), ("MT", 30, 35)):
            assert genome.fetch(name, first, last) == peer.fetch(name, first - 1, last)
    assert genome.fetch("chrM", 1, 5) == "GGCCA"
    assert genome.provenance.digest == Genome.opened(path).provenance.digest


def test_fetch__refuses_what_is_not_there(tmp_path):
    genome = Genome.opened(written(tmp_path / "g.fa", {"chr1": "ACGT"}, 10))
    assert genome.fetch("1", 3, 2) == ""
    with pytest.raises(
        InputError, match=r"which has 4 in g\.fa; the variants or the annotation are of another"
    ):
        genome.fetch("1", 3, 5)
    with pytest.raises(InputError, match=r"got .chr2.; g\.fa has chr1"):
        genome.fetch("chr2", 1, 1)


def test_opened__refuses_files_it_cannot_look_things_up_in(tmp_path):
    path = written(tmp_path / "g.fa", {"chr1": "ACGT" * 10}, 10)
    (tmp_path / "g.fa.gz").write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(UnreadableFile, match="packed with gzip"):
        Genome.opened(tmp_path / "g.fa.gz")
    pysam.tabix_compress(str(path), str(tmp_path / "b.fa.gz"))
    with pytest.raises(UnreadableFile, match=r"must have its index beside it; b\.fa\.gz\.fai is absent"):
        Genome.opened(tmp_path / "b.fa.gz")
    whole = (tmp_path / "b.fa.gz").read_bytes()
    (tmp_path / "b.fa.gz").write_bytes(whole[:-10])
    with pytest.raises(UnreadableFile, match="was cut off"):
        Genome.opened(tmp_path / "b.fa.gz")
    (tmp_path / "odd.fa").write_text(">chr1\nACGT\nAC\nACGT\n")
    with pytest.raises(UnreadableFile, match="must all be of one length"):
        Genome.opened(tmp_path / "odd.fa")
    (tmp_path / "no.fa").write_text("ACGT\n")
    with pytest.raises(UnreadableFile, match="must be a FASTA"):
        Genome.opened(tmp_path / "no.fa")
    (tmp_path / "g.fa.fai").write_text("chr1\tx\n")
    with pytest.raises(UnreadableFile, match=r"line 1 of g\.fa\.fai must be a name and four numbers"):
        Genome.opened(path)
