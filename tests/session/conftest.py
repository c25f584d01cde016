from collections.abc import Iterator

import pytest

from graphlab.session.runner import Limits, Outcome, Printed, Run, Runner, RunRequest


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as made:
        yield made


class Ended:
    """A run that is over: its outcome, what it printed, and the run itself."""

    def __init__(self, run: Run, timeout: float) -> None:
        self.run = run
        self.outcome: Outcome = run.wait(timeout)
        self.messages = run.poll()
        self.printed = "".join(
            message.text for message in self.messages if isinstance(message, Printed) and message.stream == "stdout"
        )


@pytest.fixture
def execute(runner: Runner):
    """Runs a program to its end: `execute(source, **limits)`."""

    def execute(source: str, timeout: float = 20, record: bool = True, **limits: float) -> Ended:
        run = runner.start(RunRequest(source, record=record, limits=Limits(**{"seconds": 15.0, **limits})))
        return Ended(run, timeout)

    return execute
