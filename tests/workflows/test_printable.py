import pytest
from hypothesis import given
from hypothesis import strategies as st

from tumorboard.workflows.printable import printable


@pytest.mark.parametrize(
    "text", ["", "Thorax 5.0 Br38", "Müller^José", "山田^太郎", "a\u3000b\u00a0c", "[/bold] {x}"]
)
def test_printable__leaves_readable_text_alone(text):
    assert printable(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a\x1b]0;title\x07b", r"a\x1b]0;title\x07b"),
        ("one\ntwo\r\0", r"one\ntwo\r\x00"),
        ("\udcff.dcm", r"\udcff.dcm"),
        ("\u202etxt.exe", r"\u202etxt.exe"),
    ],
)
def test_printable__escapes_what_steers_a_terminal(text, shown):
    assert printable(text) == shown


@given(st.text(st.characters()))
def test_printable__is_one_line_that_can_be_encoded(text):
    shown = printable(text)
    assert len(shown.splitlines()) <= 1
    shown.encode("utf-8")
    assert printable(shown) == shown
