"""Closing the window the moment it is painted: the process ends well, whatever is still being imported aside."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

PROGRAM = """
from PySide6.QtCore import QTimer
from graphlab.ui.app import create_application, create_window
app = create_application(["graphlab"])
window = create_window()
window.show()
def leave():
    window.close()
    app.exit()
QTimer.singleShot(0, lambda: QTimer.singleShot(0, leave))
app.exec()
"""


def test_closing_at_once_ends_the_process_well(home: Path) -> None:
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "GRAPHLAB_HOME": str(home)}
    # Without waiting for the imports about every other run crashed: four show it nearly always.
    for _turn in range(4):
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr[-2000:]
