import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.errors import InputError
from tumorboard.provenance import Record
from tumorboard.registry import Registry

json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(parameters=st.dictionaries(st.text(min_size=1), json_values, max_size=4))
def test_record__survives_json(parameters):
    record = Record("a", parameters, (Record("b", references=("x",)),), ("y", "x"))
    again = Record.from_dict(record.to_dict())
    assert again.digest == record.digest
    assert list(again.citations()) == ["x", "y"]


def test_record__digest_depends_on_parameters_and_inputs():
    digests = {
        r.digest
        for r in (
            Record("a"),
            Record("a", {"x": 1}),
            Record("a", {"x": 2}),
            Record("a", {}, (Record("b"),)),
            Record("a", {}, (Record("c"),)),
        )
    }
    assert len(digests) == 5


def test_record__refuses_what_json_cannot_hold():
    with pytest.raises(InputError, match="JSON-serialisable"):
        Record("a", {"x": object()})
    with pytest.raises(InputError, match="finite"):
        Record("a", {"x": float("nan")})


def test_record__refuses_an_edited_tree():
    tree = Record("a", {"x": 1}).to_dict()
    tree["parameters"]["x"] = 2
    with pytest.raises(InputError, match="edited"):
        Record.from_dict(tree)


def test_registry__names_what_there_is():
    with pytest.raises(InputError, match="planet must be one of mars; got 'venus'"):
        Registry("planet", {"mars": "math:pi"}).load("venus")
