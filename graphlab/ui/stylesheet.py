# ruff: noqa: E501 - the rules of a stylesheet read best one a line
"""The one stylesheet, written from the tokens. Flat surfaces, hairline separators, no double borders."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtGui import QColor

if TYPE_CHECKING:
    from graphlab.ui.theme import Tokens


def _css(color: QColor) -> str:
    if color.alpha() == 255:
        return color.name()
    return f"rgba({color.red()}, {color.green()}, {color.blue()}, {color.alpha()})"


_SHEET = """
* { outline: none; }
QMainWindow, QDialog { background: @background; }
QMainWindow::separator { background: @border; width: 1px; height: 1px; }
QMainWindow::separator:hover { background: @accent; }
QToolTip { background: @surface_raised; color: @text; border: 1px solid @border_strong; padding: 4px 6px; }

QMenuBar { background: @background; border: none; padding: 1px 4px; }
QMenuBar::item { padding: 4px 8px; border-radius: 4px; background: transparent; }
QMenuBar::item:selected { background: @hover; }
QMenu { background: @surface_raised; border: 1px solid @border_strong; padding: 4px; }
QMenu::item { padding: 5px 24px 5px 8px; border-radius: 4px; }
QMenu::item:selected { background: @accent_soft; color: @text; }
QMenu::item:disabled { color: @disabled; }
QMenu::separator { height: 1px; background: @border; margin: 4px 6px; }
QMenu::icon { padding-left: 6px; }

QToolBar { background: @background; border: none; border-bottom: 1px solid @border; padding: 4px 8px; spacing: 2px; }
QToolBar::separator { background: @border; width: 1px; margin: 5px 6px; }
QToolButton { border: 1px solid transparent; border-radius: 5px; padding: 4px; color: @text; background: transparent; }
QToolButton:hover { background: @hover; }
QToolButton:pressed, QToolButton:checked { background: @accent_soft; }
QToolButton:disabled { color: @disabled; }
QToolButton:focus { border-color: @accent; }
QToolButton::menu-indicator { image: none; width: 0; }
QToolButton#run_button { background: @run; color: @run_text; padding: 4px 12px 4px 8px; font-weight: 600; }
QToolButton#run_button:hover { background: @run_hover; }
QToolButton#run_button:disabled { background: @hover; color: @disabled; }

QDockWidget { color: @text_muted; font-weight: 600; titlebar-close-icon: none; titlebar-normal-icon: none; }
QWidget#dock_title { background: @background; border: none; }
QLabel#dock_title_text { color: @text_muted; font-weight: 600; }
QStatusBar { background: @background; border-top: 1px solid @border; color: @text_muted; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: @text_muted; padding: 0 6px; }

QTabBar { background: @background; border: none; qproperty-drawBase: 0; }
QTabBar::tab { background: transparent; color: @text_muted; padding: 7px 12px 6px 12px; border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: @text; background: @hover; }
QTabBar::tab:selected { color: @text; border-bottom: 2px solid @accent; }
QTabBar::tab:focus { color: @accent; }
QTabWidget::pane { border: none; border-top: 1px solid @border; }

QPushButton { background: @surface_raised; border: 1px solid @border_strong; border-radius: 5px; padding: 4px 12px; min-height: 18px; }
QPushButton:hover { background: @hover; }
QPushButton:pressed { background: @accent_soft; }
QPushButton:focus { border-color: @accent; }
QPushButton:disabled { color: @disabled; border-color: @border; }
QMessageBox QPushButton:default, QPushButton[primary="true"] { background: @accent; color: @text_on_accent; border-color: @accent; font-weight: 600; }
QPushButton[primary="true"]:hover, QMessageBox QPushButton:default:hover { background: @accent_hover; }
QPushButton[primary="true"]:disabled { background: @hover; border-color: @border; color: @disabled; }
QDialogButtonBox, QMessageBox { dialogbuttonbox-buttons-have-icons: 0; }
QPushButton[flat="true"] { background: transparent; border-color: transparent; }
QPushButton[flat="true"]:hover { background: @hover; }

QLineEdit, QSpinBox, QDoubleSpinBox, QComboBox, QTextEdit#paste_box {
  background: @surface; border: 1px solid @border_strong; border-radius: 5px; padding: 3px 7px; min-height: 18px;
  selection-background-color: @selection; selection-color: @selection_text; }
QLineEdit:focus, QSpinBox:focus, QDoubleSpinBox:focus, QComboBox:focus, QTextEdit#paste_box:focus { border-color: @accent; }
QLineEdit:disabled, QSpinBox:disabled, QComboBox:disabled { color: @disabled; border-color: @border; background: @background; }
QComboBox { padding-right: 22px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url(@arrow_down); width: 10px; height: 10px; }
QComboBox QAbstractItemView { background: @surface_raised; border: 1px solid @border_strong; selection-background-color: @accent_soft; selection-color: @text; }
QSpinBox::up-button, QDoubleSpinBox::up-button, QSpinBox::down-button, QDoubleSpinBox::down-button { border: none; width: 16px; background: transparent; }
QSpinBox::up-arrow, QDoubleSpinBox::up-arrow { image: url(@arrow_up); width: 8px; height: 8px; }
QSpinBox::down-arrow, QDoubleSpinBox::down-arrow { image: url(@arrow_down); width: 8px; height: 8px; }

QPlainTextEdit, QTextEdit, QTextBrowser, QListView, QTreeView, QTableView {
  background: @surface; border: none; color: @text; selection-background-color: @selection; selection-color: @selection_text; }
QListView::item, QTreeView::item { padding: 3px 6px; }
QListView::item:hover, QTreeView::item:hover { background: @hover; }
QListView::item:selected, QTreeView::item:selected { background: @accent_soft; color: @text; }
QTableView { gridline-color: @border; alternate-background-color: @surface_raised; }
QTableView::item:selected { background: @accent_soft; color: @text; }
QHeaderView { background: @surface_raised; border: none; }
QHeaderView::section { background: @surface_raised; color: @text_muted; border: none; border-bottom: 1px solid @border; border-right: 1px solid @border; padding: 4px 8px; }
QHeaderView::section:last { border-right: none; }
QTableCornerButton::section { background: @surface_raised; border: none; border-bottom: 1px solid @border; }
QScrollArea { background: @surface; border: none; }
QScrollArea > QWidget > QWidget { background: transparent; }
QSplitter::handle { background: @border; }
QSplitter::handle:horizontal { width: 1px; }
QSplitter::handle:vertical { height: 1px; }

QScrollBar:vertical { background: transparent; width: 11px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 11px; margin: 0; }
QScrollBar::handle { background: @scroll; border-radius: 3px; margin: 3px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: @scroll_hover; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QAbstractScrollArea::corner { background: transparent; }

QAbstractSpinBox QLineEdit { border: none; padding: 0 0 0 5px; background: transparent; min-height: 0; }
QCheckBox, QRadioButton { spacing: 6px; }
QCheckBox::indicator { width: 14px; height: 14px; border: 1px solid @border_strong; border-radius: 4px; background: @surface; }
QCheckBox::indicator:hover, QCheckBox:focus::indicator { border-color: @accent; }
QCheckBox::indicator:checked { background: @accent; border-color: @accent; image: url(@check); }
QCheckBox::indicator:disabled { border-color: @border; }
QProgressBar { background: @hover; border: none; border-radius: 2px; max-height: 4px; }
QProgressBar::chunk { background: @accent; border-radius: 2px; }
QGroupBox { border: none; font-weight: 600; margin-top: 20px; }
QGroupBox::title { subcontrol-origin: margin; left: 0; }

QLabel[muted="true"] { color: @text_muted; }
QLabel[heading="true"] { font-size: 13pt; font-weight: 600; }
QLabel[section="true"] { color: @text_muted; font-size: 8.5pt; font-weight: 600; }
QWidget[surface="true"] { background: @surface; }
QFrame#message_bar { background: @accent_soft; border: none; border-bottom: 1px solid @border; }
QFrame#message_bar[severity="error"] { background: @failed_soft; }
QFrame#message_bar[severity="warning"] { background: @warning_soft; }
QFrame#message_bar QLabel { background: transparent; }
QFrame#card { background: @surface; border: 1px solid @border; border-radius: 8px; }
QFrame#card:hover, QFrame#card:focus { border-color: @accent; }
QFrame#card QLabel { background: transparent; border: none; }
QFrame#rule { background: @border; border: none; }
"""


def stylesheet(t: Tokens) -> str:
    """The stylesheet of a theme."""
    from graphlab.ui.resources import arrow_file, check_file

    values = {field: _css(value) for field in t.__dataclass_fields__ if isinstance(value := getattr(t, field), QColor)}
    values |= {
        "disabled": _css(t.disabled),
        "scroll": _css(t.border_strong),
        "scroll_hover": _css(t.text_muted),
        "accent_hover": _css(t.accent.darker(112) if not t.is_dark else t.accent.lighter(112)),
        "run": _css(t.update),
        "run_hover": _css(t.update.darker(112) if not t.is_dark else t.update.lighter(112)),
        "run_text": _css(t.text_on_accent),
        "arrow_up": arrow_file("up", t.name),
        "check": check_file(t.name),
        "arrow_down": arrow_file("down", t.name),
    }
    sheet = _SHEET
    for name in sorted(values, key=len, reverse=True):
        sheet = sheet.replace(f"@{name}", values[name])
    return sheet
