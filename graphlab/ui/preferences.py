"""The preferences: a form made from the table of settings. What is chosen holds at once."""

from __future__ import annotations

from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QCheckBox,
    QComboBox,
    QDialog,
    QDialogButtonBox,
    QDoubleSpinBox,
    QGridLayout,
    QLabel,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from graphlab.i18n import N_, _
from graphlab.ui.language import again, say
from graphlab.ui.settings import SETTINGS, Setting, Settings

FIELD_WIDTH = 170


class PreferencesDialog(QDialog):
    """One row a setting, grouped."""

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("preferences_dialog")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        say(self.setWindowTitle, N_("Preferences"))
        self._settings = settings
        self.fields: dict[str, QWidget] = {}
        grid = QGridLayout()
        grid.setHorizontalSpacing(24)
        grid.setVerticalSpacing(6)
        grid.setColumnStretch(0, 1)
        group = ""
        for setting in SETTINGS:
            if setting.group != group:
                group = setting.group
                heading = QLabel(self)
                say(heading.setText, group)
                heading.setProperty("section", True)
                if grid.rowCount() > 1:
                    grid.setRowMinimumHeight(grid.rowCount(), 12)
                grid.addWidget(heading, grid.rowCount(), 0, 1, 2)
            self._add(grid, setting)
        buttons = QDialogButtonBox(QDialogButtonBox.StandardButton.Close, self)
        reset = QPushButton(self)
        say(reset.setText, N_("Restore defaults"))
        buttons.addButton(reset, QDialogButtonBox.ButtonRole.ResetRole)
        reset.setAutoDefault(False)
        reset.clicked.connect(self.restore_defaults)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(20, 16, 20, 16)
        layout.setSpacing(20)
        layout.addLayout(grid)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.setMinimumWidth(600)
        again(self._say_choices)

    def _add(self, grid: QGridLayout, setting: Setting) -> None:
        row = grid.rowCount()
        words = QVBoxLayout()
        words.setSpacing(0)
        label = QLabel(self)
        say(label.setText, setting.label)
        help_text = QLabel(self)
        say(help_text.setText, setting.help)
        help_text.setProperty("muted", True)
        help_text.setStyleSheet("font-size: 9pt;")
        words.addWidget(label)
        words.addWidget(help_text)
        grid.addLayout(words, row, 0)
        field = self._field(setting)
        field.setObjectName(setting.key)
        say(field.setToolTip, setting.help)
        field.setFixedWidth(FIELD_WIDTH)
        label.setBuddy(field)
        self.fields[setting.key] = field
        grid.addWidget(field, row, 1, Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)

    def _field(self, setting: Setting) -> QWidget:
        value = self._settings.get(setting.key)
        keep = _Keeper(self._settings, setting.key)
        if setting.choices:
            combo = QComboBox(self)
            for name, label in setting.choices:
                combo.addItem(_(label), name)
            combo.setCurrentIndex(combo.findData(value))
            combo.currentIndexChanged.connect(lambda _index: keep(combo.currentData()))
            return combo
        if setting.kind is bool:
            box = QCheckBox(self)
            box.setChecked(value)
            box.toggled.connect(keep)
            return box
        number: QSpinBox | QDoubleSpinBox
        if setting.kind is int:
            number = QSpinBox(self)
            number.setRange(int(setting.low), int(setting.high))
            number.setSingleStep(int(setting.step))
        else:
            number = QDoubleSpinBox(self)
            number.setDecimals(3 if setting.low < 1 else 1)
            number.setRange(setting.low, setting.high)
            number.setSingleStep(setting.step)
        number.lineEdit().setTextMargins(4, 0, 0, 0)  # a stylesheet's padding doesn't reach it
        number.setSuffix(setting.unit)
        number.setValue(value)
        number.valueChanged.connect(keep)
        return number

    def _say_choices(self) -> None:
        for setting in SETTINGS:
            field = self.fields[setting.key]
            if isinstance(field, QComboBox):
                for index, (_name, label) in enumerate(setting.choices):
                    field.setItemText(index, _(label))

    def restore_defaults(self) -> None:
        """Put every setting back."""
        for setting in SETTINGS:
            field = self.fields[setting.key]
            if isinstance(field, QComboBox):
                field.setCurrentIndex(field.findData(setting.default))
            elif isinstance(field, QCheckBox):
                field.setChecked(setting.default)
            elif isinstance(field, QSpinBox | QDoubleSpinBox):
                field.setValue(setting.default)


class _Keeper:
    def __init__(self, settings: Settings, key: str) -> None:
        self._settings = settings
        self._key = key

    def __call__(self, value: Any) -> None:
        self._settings.set(self._key, value)
