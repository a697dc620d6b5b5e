from hypothesis import given
from hypothesis import strategies as st

from tumorboard.io.dicom.unique_names import unique_names


@given(st.lists(st.sampled_from(["a", "b", "a (2)", "a (3)", "a (2) (2)", ""])))
def test_unique_names__are_different_and_begin_with_what_was_given(names):
    unique = unique_names(names)
    assert len(set(unique)) == len(names)
    assert all(shown.startswith(name) for shown, name in zip(unique, names, strict=True))
    assert [u for u, n in zip(unique, names, strict=True) if names.count(n) == 1 and n == "b"] == ["b"] * (
        names.count("b") == 1
    )


def test_unique_names__of_a_hostile_file_take_one_try_each():
    tries = []

    class Name(str):
        def __format__(self, spec):
            tries.append(spec)
            return str(self)

    assert unique_names([Name("same")] * 1000)[-1] == "same (1000)"
    assert len(tries) == 999
