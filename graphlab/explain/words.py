"""Numbers, shapes and lists as the words of a sentence. Rounds as PyTorch prints: four significant digits."""

import math
import re
from collections.abc import Iterable, Sequence
from functools import reduce
from typing import Any

from graphlab.i18n import _

_BLANKS = re.compile("(?<=[\u3000-\u303f\u4e00-\u9fff\uff00-\uffef]) +(?=[\u4e00-\u9fff])")
_CHINESE = re.compile("[\u4e00-\u9fff]")
KIB, MIB, GIB = 2**10, 2**20, 2**30


def number(value: float | int | bool | complex) -> str:
    """A number in at most four significant digits, with a true minus sign: 0.44, −44, 1.2e−05."""
    if isinstance(value, bool | str):
        return str(value)
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, int):
        return (
            f"{value:,}".replace(",", " ").replace("-", "−") if abs(value) >= 100000 else str(value).replace("-", "−")
        )
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "−inf" if value < 0 else "inf"
    if value == int(value) and abs(value) < 1e5:
        return str(int(value)).replace("-", "−")
    text = f"{value:.4g}"
    return text.replace("-", "−")


def code(text: str) -> str:
    """Text of the program inside a sentence."""
    return f"`{text}`"


def operator(node: str) -> str:
    """The operator of a `grad_fn`: "as_strided" for "AsStridedBackward0"."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", re.sub(r"Backward\d*$", "", node)).lower()


def shape(dims: Sequence[int]) -> str:
    """A shape as Python writes it: (3, 4), (3,), ()."""
    items = [str(d) for d in dims]
    return f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"


def n_bytes(count: float) -> str:
    """Bytes in the unit that suits: 512 bytes, 20.00 MiB, 7.81 GiB."""
    if count >= GIB:
        return f"{count / GIB:,.2f} GiB"
    if count >= MIB:
        return f"{count / MIB:.2f} MiB"
    if count >= KIB:
        return f"{count / KIB:.1f} KiB"
    return _("{n} bytes").format(n=int(count))


def listing(items: Iterable[str]) -> str:
    """`a`, `b` and `c` joined for a sentence."""
    parts = list(items)
    if len(parts) <= 1:
        return "".join(parts)
    return _("{first} and {last}").format(first=_(", ").join(parts[:-1]), last=parts[-1])


def percent(part: float, whole: float) -> str:
    """A share in whole percent, one digit when small."""
    if not whole:
        return "0 %"
    share = 100 * part / whole
    return f"{share:.0f} %" if share >= 10 else f"{share:.1f} %"


def ordinal(n: int) -> str:
    """first, second, third, 4th …"""
    words = [_("first"), _("second"), _("third")]
    if 1 <= n <= 3:
        return words[n - 1]
    suffixes = {1: _("{n}st"), 2: _("{n}nd"), 3: _("{n}rd")}
    suffix = _("{n}th") if 10 <= n % 100 <= 20 else suffixes.get(n % 10, _("{n}th"))
    return suffix.format(n=n)


def clauses(items: Iterable[str]) -> str:
    """Short clauses one after the other in a sentence."""
    parts = list(items)
    if len(parts) <= 1:
        return "".join(parts)
    before = reduce(lambda text, clause: _("{before}, {clause}").format(before=text, clause=clause), parts[:-1])
    return _("{before} and {clause}").format(before=before, clause=parts[-1])


def sentence(text: str) -> str:
    """`text` with a capital first letter, unless it begins with code. In Chinese a name at its start stays as it is."""
    return text if _CHINESE.search(text) else text[:1].upper() + text[1:]


def fill(template: str, values: dict[str, Any]) -> str:
    """The translated template with its placeholders filled. A placeholder without a value raises KeyError.

    Templates hold whole sentences; a phrase that comes to stand first ("the left tensor") gets its capital here.
    """
    text = _(template).format_map({key: str(value) for key, value in values.items()})
    parts = text.split(". ")
    return joined(". ".join(sentence(part) for part in parts))


def joined(text: str) -> str:
    """`text` without the blanks that a template has around its placeholders, where Chinese meets Chinese there."""
    if text.isascii():
        return text
    return "`".join(part if n % 2 else _BLANKS.sub("", part) for n, part in enumerate(text.split("`")))


def tuple_of(value: Any) -> list[int]:
    """A shape that came as list, tuple or torch.Size as a plain list."""
    return [int(d) for d in value]
