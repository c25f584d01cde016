"""How everything looks: one set of design tokens for light and one for dark, and what Qt is told of them.

Panels and the canvas take their colours from `tokens(state.theme)` and redraw on `ViewState.theme_changed`.
Phase colours are safe for the common kinds of colour blindness (blue, orange and bluish green after Okabe and Ito) and
read as text on the surfaces: contrast of at least 4.5.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QColor, QFont, QGuiApplication, QPalette
from PySide6.QtWidgets import QApplication

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

UI_FAMILIES = ("Inter", "Segoe UI Variable Text", "Segoe UI", "SF Pro Text", "Helvetica Neue", "Cantarell", "Ubuntu",
               "Noto Sans", "Liberation Sans", "DejaVu Sans", "Noto Sans CJK SC")  # fmt: skip
MONO_FAMILIES = ("JetBrains Mono", "Cascadia Code", "SF Mono", "Menlo", "Consolas", "Ubuntu Mono", "Noto Sans Mono",
                 "DejaVu Sans Mono", "Noto Sans Mono CJK SC")  # fmt: skip

CATEGORIES = ("creation", "pointwise", "activation", "linear", "reduction", "shape", "index", "loss", "compare",
              "normalization", "convolution", "optimizer", "other")  # fmt: skip


@dataclass(frozen=True)
class NodeColors:
    """How one kind of node is drawn."""

    fill: QColor
    outline: QColor
    text: QColor


@dataclass(frozen=True)
class Syntax:
    """Colours of program text."""

    keyword: QColor
    builtin: QColor
    name: QColor
    function: QColor
    string: QColor
    number: QColor
    comment: QColor
    operator: QColor
    decorator: QColor


@dataclass(frozen=True)
class Tokens:
    """The design tokens of one theme. Sizes are in device-independent pixels, font sizes in points."""

    name: str
    background: QColor  # behind everything: the window's chrome
    surface: QColor  # panels, editor, canvas
    surface_raised: QColor  # cards, menus, headers
    hover: QColor
    border: QColor
    border_strong: QColor
    text: QColor
    text_muted: QColor
    text_on_accent: QColor
    accent: QColor
    accent_soft: QColor
    selection: QColor
    selection_text: QColor
    # Phases and states: colours of lines and text on `surface`, and soft fills under normal text.
    forward: QColor
    forward_soft: QColor
    backward: QColor
    backward_soft: QColor
    update: QColor
    update_soft: QColor
    failed: QColor
    failed_soft: QColor
    warning: QColor
    warning_soft: QColor
    hint: QColor
    ghost: QColor
    ghost_soft: QColor
    # The canvas
    canvas: QColor
    grid: QColor
    edge: QColor
    edge_backward: QColor
    edge_label: QColor
    group_fill: QColor
    group_outline: QColor
    current: QColor  # halo of the current step
    node_tensor: NodeColors
    node_parameter: NodeColors
    node_op: NodeColors
    node_grad: NodeColors
    node_backward: NodeColors
    node_update: NodeColors
    node_failed: NodeColors
    node_ghost: NodeColors
    categories: dict[str, QColor]
    series: tuple[QColor, ...]  # lines of plots, in order
    syntax: Syntax
    current_line: QColor
    current_expression: QColor
    ui_families: tuple[str, ...] = UI_FAMILIES
    mono_families: tuple[str, ...] = MONO_FAMILIES
    ui_size: float = 10.0
    small_size: float = 9.0
    mono_size: float = 10.0
    space: int = 8
    space_small: int = 4
    radius: int = 6
    row_height: int = 26

    @property
    def is_dark(self) -> bool:
        """Whether light text stands on dark ground."""
        return self.name == "dark"

    @property
    def disabled(self) -> QColor:
        """Text that cannot be used now."""
        return self.border_strong.lighter(125) if self.is_dark else self.border_strong.darker(115)

    def category(self, name: str) -> QColor:
        """Colour of an operator's category; a neutral one for a category that has none."""
        return self.categories.get(name.lower(), self.categories["other"])

    def phase(self, name: str) -> QColor:
        """Colour of "forward", "backward", "update", "failed" or "ghost"."""
        return {"forward": self.forward, "backward": self.backward, "update": self.update, "failed": self.failed,
                "ghost": self.ghost}.get(name, self.text_muted)  # fmt: skip

    def font(self, size: float | None = None, bold: bool = False) -> QFont:
        """The font of the window's texts."""
        font = QFont(list(self.ui_families))
        font.setPointSizeF(size or self.ui_size)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font

    def mono(self, size: float | None = None, bold: bool = False) -> QFont:
        """The font of programs and numbers."""
        font = QFont(list(self.mono_families))
        font.setStyleHint(QFont.StyleHint.Monospace)
        font.setFixedPitch(True)
        font.setPointSizeF(size or self.mono_size)
        font.setWeight(QFont.Weight.DemiBold if bold else QFont.Weight.Normal)
        return font


def _node(fill: str, outline: str, text: str) -> NodeColors:
    return NodeColors(QColor(fill), QColor(outline), QColor(text))


@lru_cache(maxsize=2)
def tokens(theme: str) -> Tokens:
    """The tokens of "light" or "dark"."""
    return _dark() if theme == "dark" else _light()


def _light() -> Tokens:
    c = QColor
    return Tokens(
        name="light",
        background=c("#f3f4f6"), surface=c("#ffffff"), surface_raised=c("#fafbfc"), hover=c("#e9ebef"),
        border=c("#dfe2e7"), border_strong=c("#c4c9d1"),
        text=c("#1c2128"), text_muted=c("#5a6370"), text_on_accent=c("#ffffff"),
        accent=c("#2458c5"), accent_soft=c("#e6eefc"), selection=c("#cfe0fb"), selection_text=c("#14213a"),
        forward=c("#0b62b8"), forward_soft=c("#e3f0fc"),
        backward=c("#a84a00"), backward_soft=c("#fdeede"),
        update=c("#00724f"), update_soft=c("#def5ec"),
        failed=c("#c11f2e"), failed_soft=c("#fde9ea"),
        warning=c("#8a5a00"), warning_soft=c("#fdf3d8"), hint=c("#5b4bb5"),
        ghost=c("#5b6370"), ghost_soft=c("#f0f1f4"),
        canvas=c("#fcfcfd"), grid=c("#eceef2"), edge=c("#98a2b0"), edge_backward=c("#d3935c"), edge_label=c("#5a6370"),
        group_fill=c(36, 72, 130, 10), group_outline=c("#ced6e2"), current=c("#f2b600"),
        node_tensor=_node("#f5f9fe", "#7fa9d6", "#16324f"),
        node_parameter=_node("#eceafb", "#8d80d8", "#2c2363"),
        node_op=_node("#0b62b8", "#084c90", "#ffffff"),
        node_grad=_node("#fff8f0", "#dda069", "#5b2c05"),
        node_backward=_node("#a84a00", "#853b00", "#ffffff"),
        node_update=_node("#00724f", "#00573c", "#ffffff"),
        node_failed=_node("#fde9ea", "#c11f2e", "#7d0f1a"),
        node_ghost=_node("#f5f6f8", "#b4bac4", "#626a77"),
        categories={
            "creation": c("#5a6370"), "pointwise": c("#0b62b8"), "activation": c("#7a3ea8"), "linear": c("#006a86"),
            "reduction": c("#8a5a00"), "shape": c("#586a1b"), "index": c("#6b5b45"), "loss": c("#b0235f"),
            "compare": c("#4a5a8a"), "normalization": c("#3a6b5c"), "convolution": c("#2f5fa8"),
            "optimizer": c("#00724f"), "other": c("#5a6370"),
        },
        series=(c("#0b62b8"), c("#c2570c"), c("#00805a"), c("#b0235f"), c("#6a4fc0"), c("#8a6a00"), c("#0c8599")),
        syntax=Syntax(
            keyword=c("#a3268f"), builtin=c("#00657f"), name=c("#1c2128"), function=c("#2458c5"), string=c("#1a7438"),
            number=c("#a84a00"), comment=c("#5f6875"), operator=c("#4b5563"), decorator=c("#7a4f00"),
        ),
        current_line=c("#f3f6fb"), current_expression=c("#fff0bf"),
    )  # fmt: skip


def _dark() -> Tokens:
    c = QColor
    return Tokens(
        name="dark",
        background=c("#15171c"), surface=c("#1b1e24"), surface_raised=c("#22262e"), hover=c("#2b303a"),
        border=c("#2d323c"), border_strong=c("#454c59"),
        text=c("#e4e7ec"), text_muted=c("#9da6b4"), text_on_accent=c("#0e1726"),
        accent=c("#7fb0ff"), accent_soft=c("#22304a"), selection=c("#2d4a7c"), selection_text=c("#f2f6ff"),
        forward=c("#6db3f8"), forward_soft=c("#1c3047"),
        backward=c("#f5a35c"), backward_soft=c("#3d2b1a"),
        update=c("#4ecb9a"), update_soft=c("#17362b"),
        failed=c("#ff7d80"), failed_soft=c("#42212a"),
        warning=c("#e8be4f"), warning_soft=c("#3a321c"), hint=c("#b3a7ff"),
        ghost=c("#8f98a7"), ghost_soft=c("#252931"),
        canvas=c("#181a20"), grid=c("#22252c"), edge=c("#667080"), edge_backward=c("#9c6c42"), edge_label=c("#a4adba"),
        group_fill=c(140, 180, 255, 12), group_outline=c("#363d4a"), current=c("#ffd24a"),
        node_tensor=_node("#202a36", "#4a7299", "#d6e6f7"),
        node_parameter=_node("#2b2843", "#7467bd", "#e0dbff"),
        node_op=_node("#2c6cab", "#6db3f8", "#ffffff"),
        node_grad=_node("#33281d", "#a2713f", "#fbe3cb"),
        node_backward=_node("#9a541a", "#f5a35c", "#ffffff"),
        node_update=_node("#1a6d50", "#4ecb9a", "#ffffff"),
        node_failed=_node("#42212a", "#ff7d80", "#ffd9da"),
        node_ghost=_node("#202329", "#4a515d", "#98a1af"),
        categories={
            "creation": c("#9da6b4"), "pointwise": c("#6db3f8"), "activation": c("#cf9df5"), "linear": c("#5cc4dc"),
            "reduction": c("#e8be4f"), "shape": c("#b3c868"), "index": c("#c8b395"), "loss": c("#ff8cb8"),
            "compare": c("#a8b8e8"), "normalization": c("#86cdb5"), "convolution": c("#8db4ff"),
            "optimizer": c("#4ecb9a"), "other": c("#9da6b4"),
        },
        series=(c("#6db3f8"), c("#f5a35c"), c("#4ecb9a"), c("#ff8cb8"), c("#b3a7ff"), c("#e8be4f"), c("#5cc4dc")),
        syntax=Syntax(
            keyword=c("#e08cd0"), builtin=c("#5cc4dc"), name=c("#e4e7ec"), function=c("#86b6ff"), string=c("#8fd19a"),
            number=c("#f5a35c"), comment=c("#8f98a7"), operator=c("#b4bcc8"), decorator=c("#e8be4f"),
        ),
        current_line=c("#21252d"), current_expression=c("#363015"),
    )  # fmt: skip


_HEAT = {
    "light": ("#0a3d73", "#1f6db5", "#5ba3d6", "#a9d0ea", "#f4f5f6", "#f6c29a", "#e8864a", "#c2540f", "#7d2f00"),
    "dark": ("#b4dcff", "#6db3f8", "#3579b8", "#234a70", "#22262e", "#6d4220", "#b56a28", "#f5a35c", "#ffdcb8"),
}


@lru_cache(maxsize=2)
def heat_colors(theme: str) -> npt.NDArray[np.uint8]:
    """The table of heat maps, (256, 4) uint8 RGBA: entry 0 the most negative, 128 zero, 255 the most positive.

    Blue to orange through the surface's own grey: the pair that all common kinds of colour blindness tell apart.
    """
    import numpy as np

    anchors = np.array([QColor(c).getRgb() for c in _HEAT["dark" if theme == "dark" else "light"]], dtype=float)
    places = np.linspace(0, 255, len(anchors))
    table = np.stack([np.interp(np.arange(256), places, anchors[:, channel]) for channel in range(4)], axis=1)
    table = np.ascontiguousarray(np.rint(table).astype(np.uint8))
    table.setflags(write=False)
    return table


def contrast(first: QColor, second: QColor) -> float:
    """Contrast ratio of two opaque colours, 1 to 21, as WCAG 2 defines it."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(color: QColor) -> float:
    def linear(channel: float) -> float:
        return channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4

    red, green, blue, _alpha = color.getRgbF()
    return 0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)


def system_theme() -> str:
    """ "dark" when the desktop asks for it, else "light"."""
    hints = QGuiApplication.styleHints()
    return "dark" if hints.colorScheme() == Qt.ColorScheme.Dark else "light"


def palette(t: Tokens) -> QPalette:
    """Qt's palette for what the stylesheet leaves to the style."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, color in {
        roles.Window: t.background, roles.WindowText: t.text, roles.Base: t.surface, roles.Text: t.text,
        roles.AlternateBase: t.surface_raised, roles.Button: t.surface_raised, roles.ButtonText: t.text,
        roles.BrightText: t.failed, roles.Highlight: t.selection, roles.HighlightedText: t.selection_text,
        roles.ToolTipBase: t.surface_raised, roles.ToolTipText: t.text, roles.PlaceholderText: t.text_muted,
        roles.Link: t.accent, roles.LinkVisited: t.accent, roles.Accent: t.accent, roles.Light: t.border,
        roles.Midlight: t.border, roles.Mid: t.border, roles.Dark: t.border_strong, roles.Shadow: t.border_strong,
    }.items():  # fmt: skip
        result.setColor(role, color)
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, t.disabled)
    return result


class ThemeSwitch(QObject):
    """Applies a choice ("light", "dark", "system") to the application, and follows the system where asked to.

    Signals:
        theme_changed(str): "light" or "dark" is now in force
    """

    theme_changed = Signal(str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._choice = "system"
        self._applied = ""
        QGuiApplication.styleHints().colorSchemeChanged.connect(self._follow)

    @property
    def choice(self) -> str:
        """ "light", "dark" or "system"."""
        return self._choice

    @property
    def theme(self) -> str:
        """ "light" or "dark", whichever is in force."""
        return self._applied or "light"

    def choose(self, choice: str) -> None:
        """Put a choice in force."""
        self._choice = choice
        self._apply(system_theme() if choice == "system" else choice)

    def _follow(self) -> None:
        if self._choice == "system":
            self._apply(system_theme())

    def _apply(self, theme: str) -> None:
        if theme == self._applied:
            return
        self._applied = theme
        apply(theme)
        self.theme_changed.emit(theme)


def apply(theme: str) -> None:
    """Dress the whole application in "light" or "dark"."""
    from graphlab.ui.stylesheet import stylesheet

    app = QApplication.instance()
    assert isinstance(app, QApplication)
    t = tokens(theme)
    app.setPalette(palette(t))
    app.setFont(t.font())
    app.setStyleSheet(stylesheet(t))
