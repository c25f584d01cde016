"""The tour that `make run` takes on a screen that nobody sees."""

from PySide6.QtGui import QImage

from graphlab.ui.tour import Tour


def test_tour_leaves_a_picture_of_each_stage(qtbot, tmp_path):
    tour = Tour(tmp_path, "mlp")
    with qtbot.waitSignal(tour.ended, timeout=60_000):
        tour.start()
    assert tour.failure == ""
    assert [path.name for path in tour.pictures] == ["1-start.png", "2-forward.png", "3-backward.png", "4-dark.png"]
    images = [QImage(str(path)) for path in tour.pictures]
    assert all(image.width() >= 1600 for image in images)
    assert images[3].pixelColor(5, 5).lightness() < 60 < images[0].pixelColor(5, 5).lightness()


def test_tour_of_a_file_that_is_not_there_says_so_and_ends(qtbot, tmp_path):
    tour = Tour(tmp_path, "mlp", tmp_path / "nothing.py")
    with qtbot.waitSignal(tour.ended, timeout=60_000):
        tour.start()
    assert "There is no such file" in tour.failure
    assert [path.name for path in tour.pictures] == ["1-start.png"]
