"""Settings: every one comes back as it was chosen, and nonsense in the file is the default."""

import pytest
from PySide6.QtCore import QSettings
from PySide6.QtWidgets import QCheckBox, QComboBox

from graphlab.ui.preferences import PreferencesDialog
from graphlab.ui.settings import SETTINGS, Settings


def other_value(setting):
    """A value that is allowed and not the default."""
    if setting.choices:
        return next(name for name, _label in setting.choices if name != setting.default)
    if setting.kind is bool:
        return not setting.default
    return setting.kind(setting.default + setting.step)


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_setting_comes_back_as_it_was_chosen(qapp, tmp_path, setting):
    path = tmp_path / "settings.ini"
    chosen = Settings(path)
    assert chosen.get(setting.key) == setting.default
    chosen.set(setting.key, other_value(setting))
    chosen.sync()
    again = Settings(path).get(setting.key)
    assert again == other_value(setting)
    assert type(again) is setting.kind


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda s: s.key)
def test_nonsense_in_the_file_is_the_default(qapp, tmp_path, setting):
    path = tmp_path / "settings.ini"
    store = QSettings(str(path), QSettings.Format.IniFormat)
    store.setValue(setting.key, "certainly not")
    store.sync()
    assert Settings(path).get(setting.key) == setting.default


def test_out_of_range_is_the_default(qapp, tmp_path):
    path = tmp_path / "settings.ini"
    store = QSettings(str(path), QSettings.Format.IniFormat)
    store.setValue("run/time_limit", "-5")
    store.sync()
    assert Settings(path).get("run/time_limit") == 60.0


def test_every_setting_has_a_field_that_keeps_it(qtbot, tmp_path):
    settings = Settings(tmp_path / "settings.ini")
    dialog = PreferencesDialog(settings)
    qtbot.addWidget(dialog)
    for setting in SETTINGS:
        field = dialog.fields[setting.key]
        value = other_value(setting)
        if isinstance(field, QComboBox):
            field.setCurrentIndex(field.findData(value))
        elif isinstance(field, QCheckBox):
            field.setChecked(value)
        else:
            field.setValue(value)
        assert settings.get(setting.key) == value
    dialog.restore_defaults()
    assert [settings.get(setting.key) for setting in SETTINGS] == [setting.default for setting in SETTINGS]


def test_recent_files_are_newest_first_and_few(qapp, tmp_path):
    settings = Settings(tmp_path / "settings.ini")
    for number in range(14):
        settings.add_recent(tmp_path / f"{number}.py")
    settings.add_recent(tmp_path / "7.py")
    recent = settings.recent_files
    assert recent[0] == str(tmp_path / "7.py")
    assert len(recent) == len(set(recent)) == 10
