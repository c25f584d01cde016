import pytest

from graphlab.program.edits import EditError, apply, diff
from graphlab.trace.records import Edit

TEXT = "a = 1\nb = 2\r\nc = é3\n"


def test_edits_are_made_at_once_at_the_places_of_the_old_text() -> None:
    assert apply(TEXT, [Edit(3, 4, 3, 6, "4"), Edit(1, 0, 1, 1, "alpha")]) == "alpha = 1\nb = 2\r\nc = 4\n"


def test_insertions_deletions_and_ends() -> None:
    assert apply(TEXT, [Edit(2, 0, 2, 0, "x = 0\n")]) == "a = 1\nx = 0\nb = 2\r\nc = é3\n"
    assert apply(TEXT, [Edit(1, 0, 2, 0, "")]) == "b = 2\r\nc = é3\n"
    assert apply(TEXT, [Edit(4, 0, 4, 0, "end")]) == TEXT + "end"
    assert apply("a", [Edit(2, 0, 2, 0, "\nb")]) == "a\nb"
    assert apply(TEXT, []) == TEXT
    assert apply("", [Edit(1, 0, 1, 0, "x")]) == "x"


@pytest.mark.parametrize(
    "edits",
    [
        [Edit(9, 0, 9, 0, "")],
        [Edit(0, 0, 1, 0, "")],
        [Edit(1, 6, 1, 6, "")],
        [Edit(1, 0, 1, 99, "")],
        [Edit(1, 3, 1, 1, "")],
        [Edit(1, 0, 1, 3, "x"), Edit(1, 2, 1, 4, "y")],
    ],
)
def test_places_that_do_not_fit_are_refused(edits: list[Edit]) -> None:
    with pytest.raises(EditError):
        apply(TEXT, edits)


def test_two_insertions_at_one_place_keep_their_order() -> None:
    assert apply("x", [Edit(1, 0, 1, 0, "a"), Edit(1, 0, 1, 0, "b")]) == "abx"


def test_diff_shows_what_changes() -> None:
    assert diff("a\nb\nc\n", [Edit(2, 0, 2, 1, "B")], context=1) == "@@ -1,3 +1,3 @@\n a\n-b\n+B\n c"
    assert diff("a\n", []) == ""
