"""The pictures of the documentation: packed without harm, one method for each scene, all of them there and small."""

import importlib.util
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from PySide6.QtGui import QImage

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def screenshots() -> ModuleType:
    spec = importlib.util.spec_from_file_location("screenshots", ROOT / "scripts" / "screenshots.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def image_of(colours: np.ndarray) -> QImage:
    pixels = np.ascontiguousarray(colours.astype(np.uint32) | 0xFF000000)
    height, width = pixels.shape
    return QImage(pixels.data, width, height, 4 * width, QImage.Format.Format_RGB32).copy()


def pixels_of(path: Path) -> np.ndarray:
    image = QImage(str(path)).convertToFormat(QImage.Format.Format_RGB32)
    return np.frombuffer(image.constBits(), np.uint32).reshape(image.height(), -1) & 0xFFFFFF


def test_picture_of_few_colours_is_kept_as_it_is(screenshots: ModuleType, tmp_path: Path) -> None:
    colours = np.random.default_rng(0).choice(np.arange(0, 2**24, 70_001), (64, 48))
    screenshots.save(image_of(colours), tmp_path / "a.png")
    assert (pixels_of(tmp_path / "a.png") == colours).all()


def test_rare_colour_survives_among_many(screenshots: ModuleType, tmp_path: Path) -> None:
    ramp = np.arange(4096).reshape(64, 64) * 256 // 4096  # 256 blues
    colours = ramp | (np.arange(64)[:, None] // 8 << 8)
    colours[5, 7] = 0xC11F2E
    screenshots.save(image_of(colours), tmp_path / "a.png")
    assert pixels_of(tmp_path / "a.png")[5, 7] == 0xC11F2E


def test_every_scene_has_a_method_and_its_pictures(screenshots: ModuleType) -> None:
    folder = ROOT / "docs" / "screenshots"
    for name in screenshots.NAMES:
        assert getattr(screenshots.Scenes, name).__doc__
        for suffix in ("", "_dark"):
            assert 1000 < (folder / f"{name}{suffix}.png").stat().st_size <= screenshots.MAX_BYTES
