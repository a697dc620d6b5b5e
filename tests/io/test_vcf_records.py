"""Variants of VCF files: alleles, samples, evidence, phase, and what is refused."""

import gzip
import os
import subprocess
import sys
from collections import Counter

import pytest

from tumorboard.core.variant import Phase, SmallVariant
from tumorboard.errors import InputError, MissingAttribute, UnreadableFile
from tumorboard.io.vcf_records import read_annotated_variants, read_germline_variants, read_variants

FIELDS = (
    "Allele|Consequence|SYMBOL|Gene|Feature_type|Feature|BIOTYPE|Protein_position|Amino_acids|WildtypeProtein"
)
CSQ = f'##INFO=<ID=CSQ,Number=.,Type=String,Description="Annotations from Ensembl VEP. Format: {FIELDS}">'


def entry(allele, transcript="T1", *, terms="missense_variant", place="2", residues="A/V"):
    return f"{allele}|{terms}|G1|ENSG1|Transcript|{transcript}|protein_coding|{place}|{residues}|MAK"


def vcf(records, samples=("TUMOR",), head=(CSQ,)):
    columns = ["#CHROM", "POS", "ID", "REF", "ALT", "QUAL", "FILTER", "INFO"]
    columns += ["FORMAT", *samples] if samples else []
    lines = ["##fileformat=VCFv4.2", *head, "\t".join(columns), *("\t".join(record) for record in records)]
    return "\n".join(lines) + "\n"


def record(ref="C", alt="T", *, info=None, keys="GT", values=("0/1",), where=("1", "10"), passed="PASS"):
    return [*where, ".", ref, alt, ".", passed, info or f"CSQ={entry(alt)}", keys, *values]


def read(tmp_path, records, reader=read_annotated_variants, **named):
    samples = named.pop("samples", ("TUMOR",))
    head = named.pop("head", (CSQ,))
    (file := tmp_path / "a.vcf").write_text(vcf(records, samples, head))
    return reader(file, **named)


def test_read_annotated_variants__splits_the_alleles_of_a_record(tmp_path):
    csq = ",".join([entry("-", "T1"), entry("AA", "T2"), entry("-", "T3")])
    found = read(tmp_path, [record("CA", "C,CAA,*,<DEL>", info=f"X=1;CSQ={csq}", keys="GT:AD:AF",
                                   values=("0/2:50,10,40,0,0:0.1,0.4,0,0",))])  # fmt: skip
    (first, of_first), (second, of_second) = found
    assert (first.name, second.name) == ("1-10-CA-C", "1-10-CA-CAA")
    assert [change.transcript for change in of_first] == ["T1", "T3"]
    assert [change.transcript for change in of_second] == ["T2"]
    assert (first.evidence.in_tumour, second.evidence.in_tumour) == (False, True)  # kept, and noted
    assert (first.evidence.tumour_vaf, second.evidence.tumour_vaf) == (0.1, 0.4)
    assert second.evidence.tumour_depth == 100
    assert found.skipped == {"allele * (deleted by another record)": 1, "symbolic allele": 1}


def test_read_annotated_variants__counts_consequences_of_other_alleles(tmp_path):
    # A record that bcftools split after VEP ran carries the entries of all alleles.
    csq = ",".join([entry("T"), entry("AA")])
    found = read(tmp_path, [record("C", "T", info=f"CSQ={csq}")])
    assert [len(changes) for _, changes in found] == [1]
    assert found.skipped == {"consequence of an allele that the record does not have": 1}
    # CA to C may be the allele "-" of CA, or the allele "AA" of CAAA that was trimmed since.
    csq = ",".join([entry("-"), entry("AA")])
    found = read(tmp_path, [record("CA", "C", info=f"CSQ={csq}")])
    assert [len(changes) for _, changes in found] == [0]
    assert found.skipped == {
        "consequence of an insertion or deletion whose record was split after VEP ran: "
        "which allele it is of is not said; split, then run VEP": 2
    }


def test_read_annotated_variants__trusts_allele_num(tmp_path):
    head = CSQ.replace("|WildtypeProtein", "|WildtypeProtein|ALLELE_NUM")
    csq = ",".join([entry("T") + "|2", entry("T", "T2") + "|1"])
    found = read(tmp_path, [record("C", "A,T", info=f"CSQ={csq}")], head=(head,))
    assert [[change.transcript for change in changes] for _, changes in found] == [["T2"], ["T1"]]


def test_read_annotated_variants__leaves_out_introns_unless_asked(tmp_path):
    csq = ",".join(
        [
            entry("T"),
            entry("T", terms="intron_variant&non_coding_transcript_variant"),
            entry("T", terms="splice_region_variant&intron_variant"),
            "T|regulatory_region_variant|||RegulatoryFeature|ENSR1||||",
        ]
    )
    (made,) = read(tmp_path, [record(info=f"CSQ={csq}")])
    assert len(made[1]) == 2
    (made,) = read(tmp_path, [record(info=f"CSQ={csq}")], exonic_only=False)
    assert len(made[1]) == 3


@pytest.mark.parametrize(
    ("keys", "values", "depth", "vaf"),
    [
        ("GT:AD:DP:AF", "0/1:30,10:60:0.21", 60, 0.21),  # Mutect2: AF wins, DP is all reads
        ("GT:AD", "0/1:30,10", 40, 0.25),
        ("GT:RD:AD:FREQ:DP", "0/1:30:10:24.5%:40", 40, 0.245),  # VarScan
        ("GT:RD:AD", "0/1:30:10", 40, 0.25),
        ("GT:FREQ", "0/1:24.5%25", None, 0.245),
        ("DP:AU:CU:GU:TU", "100:0,0:60,66:0,0:20,22", 100, 0.25),  # Strelka
        ("GT:RO:AO", "0/1:30:10", 40, 0.25),  # FreeBayes
        ("GT:AD:AF", "0/1:.:.", None, None),
        ("GT", "0/1", None, None),
        ("GT:AD", "0/1:0,0", 0, None),
    ],
)
def test_read_annotated_variants__reads_every_callers_counts(tmp_path, keys, values, depth, vaf):
    ((variant, _),) = read(tmp_path, [record(keys=keys, values=(values,))])
    assert variant.evidence.tumour_depth == depth
    assert variant.evidence.tumour_vaf == pytest.approx(vaf)


def test_read_annotated_variants__reads_strelkas_indels(tmp_path):
    ((variant, _),) = read(
        tmp_path,
        [record("CA", "C", info=f"CSQ={entry('-')}", keys="DP:TAR:TIR:TOR", values=("90:60,61:20,20:3,3",))],
    )
    assert (variant.evidence.tumour_depth, variant.evidence.tumour_vaf) == (90, 0.25)
    assert variant.evidence.in_tumour is None  # Strelka states no genotype
    assert variant.homozygous is None


def test_read_annotated_variants__takes_expression_and_rna_by_name(tmp_path):
    keys = "GT:RDP:RAD:RAF:GX:TX"
    values = "0/1:20:15,5:0.25:ENSG1.3|7.5,G2|1:T1|2.5,T2.1|3"
    csq = ",".join([entry("T"), entry("T", "T2.1"), entry("T", "T9")])
    ((variant, changes),) = read(tmp_path, [record(info=f"CSQ={csq}", keys=keys, values=(values,))])
    assert (variant.evidence.rna_depth, variant.evidence.rna_vaf) == (20, 0.25)
    assert [change.transcript_tpm for change in changes] == [2.5, 3.0, None]
    # Under neither the symbol nor the identifier without its version.
    assert [change.gene_tpm for change in changes] == [None] * 3


@pytest.mark.parametrize(
    ("keys", "values", "block", "copy"),
    [
        ("GT:PS", "0|1:7", "1:PS7", 1),
        ("GT:PS", "1|0:7", "1:PS7", 0),
        ("GT:PS", "0/1:7", None, None),  # says VCF: PS of an unphased genotype counts for nothing
        ("GT:PS", "1|1:7", None, None),  # on both
        ("GT:PGT:PID", "0/1:1|0:9_C_T", "1:PID9_C_T", 0),
        ("GT:PGT:PID:PS", "0|1:0|1:9_C_T:7", "1:PS7", 1),
        ("GT:HP", "0/1:7-2,7-1", "1:HP7", 0),
        ("GT:HP", "0/1:7-1,7-2", "1:HP7", 1),
        ("GT", "0|1", "1:phased", 1),
        ("GT", "0/1", None, None),
        ("GT:PS", ".|1:.", "1:phased", 1),
        ("GT:PGT:PID", "0|1:.:9_C_T", None, None),  # a set, but not which copy of it
    ],
)
def test_read_annotated_variants__reads_phases(tmp_path, keys, values, block, copy):
    ((variant, _),) = read(tmp_path, [record(keys=keys, values=(values,))])
    if block is None:
        assert variant.phase is None
    else:
        assert isinstance(variant.phase, Phase)
        assert variant.phase.block.partition(":")[2] == f"TUMOR:{block}"
        assert variant.phase.haplotype == copy
    assert variant.homozygous is (values[:3] == "1|1")


def test_read_annotated_variants__pgt_does_not_say_which_of_two_alternatives(tmp_path):
    found = read(tmp_path, [record("C", "T,G", keys="GT:PGT:PID", values=("0/2:0|1:9_C_T",))])
    assert [variant.phase for variant, _ in found] == [None, None]


def test_read_annotated_variants__phases_of_two_files_are_not_of_one_block(tmp_path):
    one = read(tmp_path, [record(keys="GT:PS", values=("0|1:7",))])
    other = read(tmp_path, [record(keys="GT:PS", values=("0|1:7",)), record(where=("1", "11"))])
    assert one.variants[0][0].phase.block != other.variants[0][0].phase.block


def test_readers__phases_of_two_samples_are_not_of_one_block(tmp_path):
    # The first copy of the tumour's set 7 may be the second of the normal sample's.
    records = [record(keys="GT:PS", values=("0|1:7", "0|1:7"))]
    ((somatic, _),) = read(tmp_path, records, samples=("TUMOR", "NORMAL"))
    ((germline, _),) = read(
        tmp_path, records, read_germline_variants, samples=("TUMOR", "NORMAL"), near=[somatic], within_bases=9
    )
    ((own, _),) = read(
        tmp_path, records, read_germline_variants, samples=("TUMOR", "NORMAL"), sample="TUMOR",
        near=[somatic], within_bases=9,
    )  # fmt: skip
    assert somatic.phase.haplotype == germline.phase.haplotype
    assert somatic.phase.block == own.phase.block != germline.phase.block


@pytest.mark.parametrize(
    ("samples", "head", "named", "tumour", "normal"),
    [
        (("A",), (), {}, "A", None),
        (("NORMAL", "TUMOR"), (), {}, "TUMOR", "NORMAL"),
        (("x_tumour_dna", "x_normal_dna"), (), {}, "x_tumour_dna", "x_normal_dna"),
        (("A", "B"), ("##tumor_sample=B", "##normal_sample=A"), {}, "B", "A"),
        (("A", "B"), (), {"tumour_sample": "B"}, "B", None),
        (("A", "B"), (), {"normal_sample": "B"}, "A", "B"),
        (("A", "B"), (), {"tumour_sample": "A", "normal_sample": "B"}, "A", "B"),
    ],
)
def test_read_annotated_variants__finds_the_samples(tmp_path, samples, head, named, tumour, normal):
    values = ["0/1:8,2" if name == tumour else "0/0:9,1" for name in samples]
    found = read(tmp_path, [record(keys="GT:AD", values=values)], samples=samples, head=(*head, CSQ), **named)
    assert (found.tumour_sample, found.normal_sample) == (tumour, normal)
    evidence = found.variants[0][0].evidence
    assert (evidence.tumour_vaf, evidence.normal_vaf) == (0.2, 0.1 if normal else None)


@pytest.mark.parametrize(
    ("samples", "named", "message"),
    [
        (("A", "B"), {}, r"tumour_sample must be named .* a\.vcf has the samples A, B"),
        (("A", "B" * 9000), {}, r"has the samples A, B{40}; name"),
        (tuple("ABCDEFGHIJ"), {}, r"has the samples A, B, C, D, E, F, G, H, 2 more; name"),
        (("A", "B"), {"tumour_sample": "C"}, r"tumour_sample must be a sample of a\.vcf; got 'C'; .* A, B"),
        (("A",), {"normal_sample": "N"}, "normal_sample must be a sample"),
        (("A",), {"tumour_sample": "A", "normal_sample": "A"}, "normal_sample must be another"),
    ],
)
def test_read_annotated_variants__refuses_samples_it_cannot_tell(tmp_path, samples, named, message):
    with pytest.raises(InputError, match=message):
        read(tmp_path, [record(values=["0/1"] * len(samples))], samples=samples, **named)


def test_read_annotated_variants__reads_a_vcf_without_samples(tmp_path):
    found = read(tmp_path, [record()[:8]], samples=())
    assert found.tumour_sample == ""
    assert found.variants[0][0].evidence.in_tumour is None


def test_read_annotated_variants__keeps_failed_filters(tmp_path):
    found = read(tmp_path, [record(passed="a;b"), record(passed="."), record()])
    assert [variant.filters for variant, _ in found] == [("a", "b"), (), ()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("hello\n", "VCF must begin with ##fileformat=VCF"),
        ("", "must have a line #CHROM"),
        ("##fileformat=VCFv4.2\n##x\n", "must have a line #CHROM"),
        ("##fileformat=VCFv4.2\n#CHROM POS ID\n", "columns of a VCF must be"),
        (vcf([record()[:6]]), r"line 4 of a\.vcf must have 10 columns"),
        (vcf([record(where=("1", "x"))]), r"line 4 of a\.vcf must have 10 columns .* and a position"),
        ("##fileformat=VCFv4.2\n\0", "must be a text file"),
    ],
)
def test_read_annotated_variants__refuses_what_is_no_vcf(tmp_path, text, message):
    (file := tmp_path / "a.vcf").write_text(text)
    with pytest.raises(UnreadableFile, match=message):
        read_annotated_variants(file)


@pytest.mark.parametrize(("ref", "alt"), [("-", "T"), ("C", "-"), ("C", "12"), ("", "T")])
def test_read_annotated_variants__refuses_alleles_of_other_formats(tmp_path, ref, alt):
    with pytest.raises(InputError, match=r"of line 4 of a\.vcf must be bases .* bcftools norm"):
        read(tmp_path, [record(ref, alt, info="CSQ=")])


def test_read_annotated_variants__counts_ambiguous_bases(tmp_path):
    found = read(tmp_path, [record("R", "T"), record("C", "M"), record("c", "t", info=f"CSQ={entry('T')}")])
    assert [variant.name for variant, _ in found] == ["1-10-C-T"]
    assert len(found.variants[0][1]) == 1
    assert found.skipped["reference with an ambiguous base"] == 1
    assert found.skipped["alternative with an ambiguous base"] == 1


def test_read_annotated_variants__says_how_to_annotate(tmp_path):
    with pytest.raises(MissingAttribute, match=r"must carry VEP's annotation .* --plugin Wildtype .* GTF"):
        read(tmp_path, [record()], head=())
    snpeff = "##INFO=<ID=ANN,Number=.,Type=String,Description=\"Functional annotations: 'Allele | x'\">"
    with pytest.raises(MissingAttribute, match="SnpEff's, which it has, states no protein"):
        read(tmp_path, [record()], head=(snpeff,))
    with pytest.raises(MissingAttribute, match="it lacks WildtypeProtein; run VEP"):
        read(tmp_path, [record()], head=(CSQ.replace("|WildtypeProtein", ""),))
    assert len(read(tmp_path, [record()], reader=read_variants, head=())) == 1


def test_read_annotated_variants__reads_gzip_bgzf_and_bcf_alike(tmp_path):
    pysam = pytest.importorskip("pysam")
    head = (CSQ, "##contig=<ID=1>", '##FORMAT=<ID=GT,Number=1,Type=String,Description="x">')
    (plain := tmp_path / "a.vcf").write_text(vcf([record(), record(where=("1", "30"))], head=head))
    (tmp_path / "g.vcf.gz").write_bytes(gzip.compress(plain.read_bytes()))
    pysam.tabix_compress(str(plain), str(tmp_path / "b.vcf.gz"))
    with pysam.VariantFile(str(plain)) as source:
        with pysam.VariantFile(str(tmp_path / "c.bcf"), "wb", header=source.header) as target:
            for line in source:
                target.write(line)
    expected = read_annotated_variants(plain).variants
    for name in ("g.vcf.gz", "b.vcf.gz", "c.bcf"):
        assert read_annotated_variants(tmp_path / name).variants == expected


def test_read_annotated_variants__refuses_files_cut_off(tmp_path):
    pysam = pytest.importorskip("pysam")
    records = [
        record(where=("1", str(1000 + i)), keys="GT:X", values=(f"0/1:{i * 7919 % 9973}",))
        for i in range(9000)
    ]
    (plain := tmp_path / "a.vcf").write_text(vcf(records))
    pysam.tabix_compress(str(plain), str(tmp_path / "b.vcf.gz"))
    whole = (tmp_path / "b.vcf.gz").read_bytes()
    gzipped = gzip.compress(plain.read_bytes())
    for name, content, message in (
        ("end.vcf.gz", whole[:-28], "lacks the block that ends a BGZF file"),
        ("middle.vcf.gz", whole[: len(whole) // 2], "lacks the block that ends"),
        ("gzip.vcf.gz", gzipped[: len(gzipped) // 2], "ends within its packed data"),
        ("damaged.vcf.gz", gzipped[:2000] + b"x" * 50 + gzipped[2050:], "is damaged"),
        ("plain.vcf", plain.read_bytes()[:-40], "must have 10 columns"),
    ):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UnreadableFile, match=message):
            read_variants(tmp_path / name)


def test_read_variants__says_nothing_on_the_terminal(tmp_path):
    pytest.importorskip("pysam")
    (tmp_path / "a.bcf").write_bytes(gzip.compress(b"BCF\2\2nonsense"))
    script = (
        "import sys\nfrom tumorboard.io.vcf_records import read_variants\n"
        "try:\n    read_variants(sys.argv[1])\nexcept ValueError as error:\n    print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "a.bcf")], capture_output=True, text=True,
        env=os.environ, check=True,
    )  # fmt: skip
    assert "a.bcf is damaged" in done.stdout
    assert done.stderr == ""


def test_read_germline_variants__takes_the_changes_that_vep_states(tmp_path):
    near = [SmallVariant("1", 12, "A", "T")]
    found = read(tmp_path, [record()], reader=read_germline_variants, near=near, within_bases=6)
    ((variant, changes),) = found
    assert not variant.somatic
    assert [(change.transcript, change.wild_type_protein) for change in changes] == [("T1", "MAK")]


def test_read_germline_variants__keeps_what_is_near_and_there(tmp_path):
    records = [
        record("CAAAAAAAAA", "C", where=("1", "85"), keys="GT:AD", values=("0/1:5,5",)),
        record(where=("1", "95"), keys="GT:AD:PS", values=("0|1:5,5:7",)),
        record(where=("1", "99"), keys="GT:AD", values=("0/0:9,0",)),
        record(where=("1", "104"), keys="GT:AD", values=("1/1:0,9",)),
        record(where=("1", "200"), keys="GT:AD", values=("0/1:5,5",)),
        record(where=("2", "100"), keys="GT:AD", values=("0/1:5,5",)),
    ]
    near = [SmallVariant("chr1", 100, "A", "T")]
    found = read(
        tmp_path, records, reader=read_germline_variants, samples=("any",), head=(), near=near, within_bases=6
    )
    # The first is a deletion of which only the last base is near.
    assert [variant.position for variant, _ in found] == [85, 95, 104]
    _, first, second = (variant for variant, _ in found)
    assert not first.somatic
    assert (first.evidence.normal_depth, first.evidence.normal_vaf, first.evidence.tumour_vaf) == (
        10,
        0.5,
        None,
    )
    assert first.phase is not None
    assert second.homozygous
    assert found.skipped == {"allele that the sample does not have": 1}
    with pytest.raises(InputError, match="sample must be named where nothing says whose germline"):
        read(tmp_path, [record(values=("0/1", "0/1"))], reader=read_germline_variants, samples=("A", "B"),
             near=near, within_bases=1)  # fmt: skip


def test_read_annotated_variants__hcc1395(data_dir):
    found = read_annotated_variants(data_dir / "immunotherapy/pvactools/annotated.expression.vcf.gz")
    assert len(found) == 1470
    assert (found.tumour_sample, found.normal_sample) == ("HCC1395_TUMOR_DNA", "HCC1395_NORMAL_DNA")
    assert (found.annotator, found.assembly) == ("VEP 105", "GRCh38.p13")
    assert sum(not variant.filters for variant, _ in found) == 1264
    assert sum(variant.phase is not None for variant, _ in found) == 10
    changes = [change for _, changes in found for change in changes]
    assert sum(change.mutant_protein is not None for change in changes) == 41
    # Every consequence was given to an allele.
    assert set(found.skipped) == {
        "consequence on a regulatory feature or between genes",
        "consequence outside the exons and splice sites of a transcript",
    }
    for variant, _ in found:
        assert variant.evidence.in_tumour
        assert variant.evidence.tumour_vaf is not None
        assert variant.evidence.normal_depth is not None
    # What VEP calls missense puts the stated residue where the protein has it, but for one mismatch.
    checked = Counter(
        change.wild_type_protein[change.protein_start - 1 :][:1] == change.reference_residues
        for change in changes
        if change.consequences == ("missense_variant",)
        and change.wild_type_protein
        and change.protein_start
        and len(change.reference_residues) == 1
    )
    assert checked[True] > 1000
    assert checked[False] <= 1


def test_read_variants__counts_what_cyvcf2_counts(data_dir):
    cyvcf2 = pytest.importorskip("cyvcf2")
    for name in ("annotated.expression.vcf.gz", "proximal_variant/somatic.vcf.gz"):
        path = data_dir / "immunotherapy/pvactools" / name
        found = read_variants(path)
        with_peer = list(cyvcf2.VCF(str(path)))
        assert len(found) == len(with_peer)
        column = found.provenance.parameters["tumour_sample"]
        sample = cyvcf2.VCF(str(path)).samples.index(column)
        for (ours, _), theirs in zip(found, with_peer, strict=True):
            assert (ours.chromosome, ours.position, ours.reference) == (theirs.CHROM, theirs.POS, theirs.REF)
            assert [ours.alternative] == theirs.ALT
            assert ours.evidence.in_tumour == (1 in theirs.genotypes[sample][:-1])
            assert ours.filters == (() if theirs.FILTER is None else tuple(theirs.FILTER.split(";")))
            depths = theirs.format("AD")[sample]
            assert ours.evidence.tumour_depth in (
                sum(depths),
                theirs.format("DP")[sample][0] if "DP" in theirs.FORMAT else -1,
            )
