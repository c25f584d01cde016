"""The command line, called as a shell calls it: a new process, its streams and its exit status."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphlab.session.samples import folder
from graphlab.trace.store import TraceReader

SAMPLES = folder()


def graphlab(*arguments: str, stdin: str | bytes = "") -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "graphlab", *arguments],
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=60,
        check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "broken"},
    )
    return subprocess.CompletedProcess(done.args, done.returncode, done.stdout.decode(), done.stderr.decode())


def run_json(*arguments: str) -> tuple[int, dict]:
    done = graphlab("run", "--json", *arguments)
    return done.returncode, json.loads(done.stdout)


def test_clean_run_prints_and_exits_0() -> None:
    done = graphlab("run", str(SAMPLES / "linear_regression.py"))
    assert done.returncode == 0
    assert done.stdout.splitlines()[-1] == "Epoch 10: loss = 0.3860, w = 1.7374, b = 0.4628"
    assert done.stderr == ""


def test_json_of_a_clean_run_has_the_documented_shape() -> None:
    status, result = run_json(str(SAMPLES / "linear_regression.py"))
    assert status == 0
    assert list(result) == ["ok", "stdout", "losses", "error", "problems", "iterations", "events", "peak_memory"]
    assert (result["ok"], result["error"], result["problems"], result["iterations"]) == (True, None, [], 10)
    assert [index for index, _value in result["losses"]["loss"]] == list(range(10))
    assert result["losses"]["loss"][0][1] == pytest.approx(44.0)
    assert result["losses"]["loss"][9][1] == pytest.approx(0.3860, abs=1e-4)
    assert result["events"] > 100
    assert result["peak_memory"]["cpu"] > 0


def test_json_of_a_failure_has_problem_and_verified_fix() -> None:
    status, result = run_json(str(SAMPLES / "wide_linear.py"))
    assert status == 1
    assert result["error"] == {
        "type": "RuntimeError",
        "message": "mat1 and mat2 shapes cannot be multiplied (5x16 and 8x3)",
        "line": 17,
    }
    problem = result["problems"][0]
    assert list(problem) == ["code", "severity", "title", "what", "why", "fix", "line", "end_line", "facts", "fixes"]
    assert (problem["severity"], problem["line"]) == ("error", 17)
    fix = problem["fixes"][0]
    assert set(fix) == {"title", "applicability", "verified", "edits"}
    assert fix["verified"] is True
    assert set(fix["edits"][0]) == {"line", "column", "end_line", "end_column", "text"}


def test_text_of_a_failure_has_traceback_axes_and_diff_on_stderr() -> None:
    done = graphlab("run", str(SAMPLES / "column_targets.py"))
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith('Traceback (most recent call last):\n  File "<program>", line 33')
    assert "error[GL401]" in done.stderr
    assert "^" in done.stderr
    assert "checked by a re-run" in done.stderr
    assert "+y = torch.tensor([0, 1, 2])" in done.stderr


def test_checks_can_be_left_out() -> None:
    _status, result = run_json("--no-verify", str(SAMPLES / "wide_linear.py"))
    assert [fix["verified"] for fix in result["problems"][0]["fixes"]] == [False] * len(result["problems"][0]["fixes"])


@pytest.mark.parametrize(
    ("source", "type_", "line"),
    [("x = 1\nimport os\n", "Refused", 2), ("x = (\n", "SyntaxError", 1)],
)
def test_refused_programs_exit_1_with_a_problem(tmp_path: Path, source: str, type_: str, line: int) -> None:
    (tmp_path / "a.py").write_text(source)
    status, result = run_json(str(tmp_path / "a.py"))
    assert status == 1
    assert (result["error"]["type"], result["error"]["line"]) == (type_, line)
    assert result["problems"][0]["line"] == line
    done = graphlab("run", str(tmp_path / "a.py"))
    assert done.returncode == 1
    assert f"{line} | " in done.stderr


def test_limit_exits_3(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("print('begun')\nwhile True: pass\n")
    done = graphlab("run", "--seconds", "0.5", str(tmp_path / "a.py"))
    assert done.returncode == 3
    assert done.stdout == "begun\n"
    assert "The program ran longer than 0.5 s and was ended." in done.stderr
    status, result = run_json("--seconds", "0.5", str(tmp_path / "a.py"))
    assert status == 3
    assert result["error"]["type"] == "Limit"
    assert result["ok"] is False


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["nothing.py"],
        ["--seconds", "-1", "a.py"],
        ["--what"],
        ["a.py", "b.py"],
    ],
)
def test_wrong_calls_and_unreadable_files_exit_2(arguments: list[str]) -> None:
    done = graphlab("run", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert done.stderr


def test_unreadable_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_bytes(b"\0\1\2")
    done = graphlab("run", "--json", str(tmp_path / "a.py"))
    assert done.returncode == 2
    assert done.stderr.strip() == (f"graphlab: This is not a text file. Choose a Python program. ({tmp_path / 'a.py'})")


def test_trace_is_saved_and_can_be_run_again(tmp_path: Path) -> None:
    out = tmp_path / "out.graphlab"
    assert graphlab("run", str(SAMPLES / "expression.py"), "--trace", str(out)).returncode == 0
    reader = TraceReader(out)
    assert reader.source == (SAMPLES / "expression.py").read_text()
    assert len(reader.losses) == 1
    reader.close()
    status, result = run_json(str(out))
    assert (status, result["ok"]) == (0, True)


def test_project_folder_runs_with_its_limits(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text("import torch\nx = torch.zeros(300, 1024, device='cuda')\n")
    (tmp_path / "project.json").write_text('{"limits": {"cuda": 1048576}}')
    status, result = run_json("--no-verify", str(tmp_path))
    assert status == 1
    assert result["error"]["type"] == "OutOfMemoryError"
    assert "total capacity of 1024.00 KiB" in result["error"]["message"]


def test_stderr_of_the_program_is_no_stdout(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("import sys\nprint('out')\nprint('err', file=sys.stderr)\n")
    done = graphlab("run", str(tmp_path / "a.py"))
    assert (done.stdout, done.stderr) == ("out\n", "err\n")
    assert run_json(str(tmp_path / "a.py"))[1]["stdout"] == "out\n"


def test_explain_a_code() -> None:
    done = graphlab("explain", "GL103", "--json")
    assert done.returncode == 0
    result = json.loads(done.stdout)
    assert list(result) == ["code", "title", "what", "why", "fix", "facts"]
    assert result["code"] == "GL103"
    text = graphlab("explain", "gl103")
    assert text.returncode == 0
    assert text.stdout.startswith("GL103: ")


def test_explain_a_message_from_arguments_and_from_stdin() -> None:
    message = "RuntimeError: mat1 and mat2 shapes cannot be multiplied (5x16 and 8x3)"
    for done in (graphlab("explain", "--json", message), graphlab("explain", "--json", "-", stdin=message)):
        assert done.returncode == 0
        result = json.loads(done.stdout)
        assert result["code"].startswith("GL1")
        assert "16" in result["what"] and "8" in result["what"]


def test_explain_what_is_not_known() -> None:
    done = graphlab("explain", "--json", "the cat sat on the mat")
    assert done.returncode == 1
    assert json.loads(done.stdout)["code"] is None
    assert graphlab("explain", "-", stdin=b"\xff\xfe\0").returncode == 1
    assert graphlab("explain", "-", stdin="").returncode == 1


def test_samples_are_listed_and_copied(tmp_path: Path) -> None:
    done = graphlab("samples")
    assert done.returncode == 0
    assert done.stdout.startswith("linear_regression")
    copied = graphlab("samples", "--copy", "mlp", str(tmp_path))
    assert (copied.returncode, copied.stdout.strip()) == (0, str(tmp_path / "mlp.py"))
    assert (tmp_path / "mlp.py").read_text() == (SAMPLES / "mlp.py").read_text()
    again = graphlab("samples", "--copy", "mlp", str(tmp_path))
    assert again.returncode == 2
    assert "the file is there already" in again.stderr
    assert graphlab("samples", "--copy", "nothing", str(tmp_path)).returncode == 2
    assert graphlab("samples", "--copy", "mlp", str(tmp_path / "no")).returncode == 2


def test_version_and_usage() -> None:
    done = graphlab("--version")
    assert (done.returncode, done.stdout.split()[0]) == (0, "graphlab")
    assert graphlab("--help").returncode == 0
    assert graphlab("--nonsense").returncode == 2
    assert graphlab("a.py", "b.py").returncode == 2


@pytest.mark.skipif(os.name != "posix", reason="pipes")
def test_reader_that_goes_away_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("for i in range(20000):\n    print('line', i)\n")
    command = f"{sys.executable} -m graphlab run {tmp_path / 'a.py'} | head -n 1"
    done = subprocess.run(["sh", "-c", command], capture_output=True, timeout=60, check=False)
    assert done.stdout == b"line 0\n"
    assert b"Traceback" not in done.stderr


def test_command_line_imports_no_qt() -> None:
    code = (
        "import sys\nfrom graphlab.__main__ import main\nmain(['samples'])\n"
        "print([name for name in sys.modules if name.startswith('PySide6')])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines()[-1] == "[]"
