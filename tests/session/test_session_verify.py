import msgspec
from hypothesis import given
from hypothesis import strategies as st

from graphlab.program.edits import apply
from graphlab.session.followed import edits_between
from graphlab.session.messages import Limits
from graphlab.session.runner import Runner
from graphlab.session.samples import folder
from graphlab.session.verify import verify, verify_fixes
from graphlab.trace.records import Edit, Fix, Problem
from graphlab.trace.store import TraceReader

LIMITS = Limits(seconds=5)
SOURCE = "import torch\na = torch.ones(2, 3)\nb = torch.ones(4)\nprint(a + b)\n"


def problem(*fixes: Fix) -> Problem:
    return Problem("GL101", "error", "t", "w", "y", "f", 4, 4, fixes=list(fixes))


def fix(line: int, text: str, applicability: str = "safe") -> Fix:
    width = len(SOURCE.splitlines()[line - 1])
    return Fix("t", applicability, [Edit(line, 0, line, width, text)])


def test_right_fix_is_verified_and_wrong_ones_are_not(runner: Runner) -> None:
    fixes = [
        fix(3, "b = torch.ones(3)"),
        fix(3, "b = torch.ones(5)"),  # the same error again
        fix(4, "print(nothing)"),  # another error
        fix(3, "import os"),  # refused
        fix(3, SOURCE.splitlines()[2]),  # changes nothing
        fix(4, "while True: pass"),
        Fix("t", "safe", [Edit(99, 0, 99, 0, "x")]),  # a place outside the program
        fix(3, "b = torch.ones(3)", "needs-input"),
        Fix("t", "maybe", []),
    ]
    checked = verify_fixes([problem(*fixes)], SOURCE, runner, Limits(seconds=1))
    assert [each.verified for each in checked[0].fixes] == [True] + [False] * 8


def test_fix_that_leaves_the_very_error_is_left_out(runner: Runner, execute) -> None:
    reader = TraceReader(execute(SOURCE).run.trace_path)
    found = msgspec.structs.replace(
        reader.problems[0],
        fixes=[
            fix(3, "b = torch.ones(4)  # as before"),
            fix(3, "b = torch.ones(5)"),  # an error still, though another
            fix(3, "b = torch.ones(3)"),
        ],
    )
    reader.close()
    fixes = verify_fixes([found], SOURCE, runner, LIMITS)[0].fixes
    assert [(each.edits[0].text, each.verified) for each in fixes] == [
        ("b = torch.ones(3)", True),
        ("b = torch.ones(5)", False),
    ]


def test_fix_that_leaves_the_warning_is_not_verified(runner: Runner) -> None:
    source = "import torch\nimport torch.nn.functional as F\nx = torch.ones(2, 3)\nprint(F.softmax(x))\n"
    warning = Problem("GL410", "warning", "t", "w", "y", "f", 4, 4)
    renamed = Fix("t", "safe", [Edit(3, 0, 3, 1, "x = y")])
    mended = Fix("t", "safe", [Edit(4, 17, 4, 17, ", dim=1")])
    assert not verify(warning, renamed, source, runner, LIMITS, [warning])
    assert verify(warning, mended, source, runner, LIMITS, [warning])


def test_cancelled_checks_verify_nothing(runner: Runner) -> None:
    checked = verify_fixes([problem(fix(3, "b = torch.ones(3)"))], SOURCE, runner, LIMITS, lambda: True)
    assert not checked[0].fixes[0].verified


def test_checks_leave_no_traces_behind(runner: Runner) -> None:
    before = set(runner.folder.iterdir())
    verify(problem(), fix(3, "b = torch.ones(3)"), SOURCE, runner, LIMITS)
    assert set(runner.folder.iterdir()) == before


def test_fixes_of_the_column_targets_sample_are_verified(runner: Runner, execute) -> None:
    source = (folder() / "column_targets.py").read_text()
    ended = execute(source)
    reader = TraceReader(ended.run.trace_path)
    problems = verify_fixes(reader.problems, source, runner, LIMITS)
    reader.close()
    assert problems[0].line == 33
    assert problems[0].fixes
    assert problems[0].fixes[0].verified


TWICE = (
    "import torch\nimport torch.nn as nn\nnet = nn.Linear(64, 3)\nx = torch.randn(16, 10)\n"
    "y = torch.randint(0, 3, (16, 1))\nprint(nn.CrossEntropyLoss()(net(x), y))\n"
)


def test_fix_that_uncovers_the_next_error_is_followed(runner: Runner) -> None:
    wide = Fix("first", "safe", [Edit(3, 16, 3, 18, "10")])
    problem = Problem("GL103", "error", "t", "w", "y", "f", 6, 6, fixes=[wide])
    fixes = verify_fixes([problem], TWICE, runner, LIMITS)[0].fixes
    assert [each.verified for each in fixes] == [True, False]
    assert fixes[0].applicability == "maybe"
    assert fixes[0].title.startswith("first; then, on line 6: ")
    mended = apply(TWICE, fixes[0].edits)
    assert "nn.Linear(10, 3)" in mended
    assert "y.squeeze(1)" in mended


def test_fix_that_cuts_a_part_off_is_not_followed(runner: Runner) -> None:
    source = TWICE.replace("nn.Linear(64", "nn.Linear(4")
    cut = Fix("first", "maybe", [Edit(6, 33, 6, 33, "[:, :4]")])
    problem = Problem("GL103", "error", "t", "w", "y", "f", 6, 6, fixes=[cut])
    assert [each.verified for each in verify_fixes([problem], source, runner, LIMITS)[0].fixes] == [False]


@given(st.lists(st.sampled_from("abc")), st.lists(st.sampled_from("abc")), st.booleans())
def test_edits_between_two_texts_make_one_of_the_other(old: list[str], new: list[str], is_ended: bool) -> None:
    end = "\n" if is_ended else ""
    before, after = "\n".join(old) + end, "\n".join(new) + end
    assert apply(before, edits_between(before, after)) == after
