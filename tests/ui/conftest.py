"""Fixtures of all window tests: nothing is written outside a temporary folder, nothing is left open."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")


@pytest.fixture(scope="session")
def qapp_cls() -> type[QApplication]:
    return QApplication


@pytest.fixture(scope="session")
def qapp(qapp_args: list[str], pytestconfig: pytest.Config) -> QApplication:
    from graphlab.ui.app import create_application

    return create_application(["graphlab"])


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings, autosaves and traces go here."""
    folder = tmp_path / "home"
    folder.mkdir()
    monkeypatch.setenv("GRAPHLAB_HOME", str(folder))
    return folder


@pytest.fixture(autouse=True)
def no_window_left(qapp: QApplication) -> Iterator[None]:
    """No window, dialog or popup outlives its test."""
    before = set(qapp.topLevelWidgets())
    yield
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    left = [widget for widget in qapp.topLevelWidgets() if widget not in before and widget.isVisible()]
    names = [f"{type(widget).__name__} {widget.objectName()!r}" for widget in left]
    for widget in left:
        widget.close()
    assert not names, f"left open: {', '.join(names)}"


@pytest.fixture
def state(qapp: QApplication):
    """A state with nothing shown."""
    from graphlab.ui.state import ViewState

    return ViewState()


@pytest.fixture
def window(qtbot, request: pytest.FixtureRequest):
    """A shown main window, closed after the test without a question."""
    from graphlab.ui.app import create_window

    shown = create_window()
    qtbot.addWidget(shown, before_close_func=lambda w: w.editor.document().setModified(False))
    shown.resize(1400, 900)
    shown.show()
    qtbot.waitExposed(shown)
    yield shown
    if (folder := os.environ.get("GRAPHLAB_TEST_PICTURES")) and getattr(request.node, "failed", False):
        Path(folder).mkdir(parents=True, exist_ok=True)
        shown.grab().save(str(Path(folder) / f"{request.node.name}.png"))
    shown.editor.document().setModified(False)
    shown.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        # Said by Qt's offscreen platform for popups and windows of fixed size; other Qt warnings fail the test.
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support"))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    if call.when == "call":
        item.failed = outcome.get_result().failed  # type: ignore[attr-defined]
