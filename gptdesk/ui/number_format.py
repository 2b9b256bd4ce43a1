"""Numbers as text in the language of the system, by the rules of `gptdesk.number_format`."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QLocale

from gptdesk.number_format import NumberFormat


def use_readable_locale() -> None:
    """Writes numbers as in English, with separators, where the system names no language."""
    if QLocale.system().language() == QLocale.Language.C:
        QLocale.setDefault(QLocale(QLocale.Language.English, QLocale.Country.UnitedStates))


_LARGEST: Final = 10**15
"""Numbers from here on are written with an exponent: the loss of a run that diverged has hundreds of digits."""


class _LocalFormat(NumberFormat):
    """Writes digits as the default `QLocale` does."""

    def decimal(self, number: float, digits: int) -> str:
        if abs(number) >= _LARGEST:
            return QLocale().toString(float(number), "g", 3)
        return QLocale().toString(float(number), "f", digits)

    def count(self, number: int) -> str:
        return QLocale().toString(number) if abs(number) < _LARGEST else self.decimal(number, 0)


_LOCAL: Final = _LocalFormat()
count, counted, decimal = _LOCAL.count, _LOCAL.counted, _LOCAL.decimal
memory, parameters, percent = _LOCAL.size, _LOCAL.parameters, _LOCAL.percent
span, duration, ago = _LOCAL.duration, _LOCAL.short_duration, _LOCAL.ago
metric_value = _LOCAL.metric_value


def tokens(number: int) -> str:
    """1 token, 1,024 tokens."""
    return counted(number, "token")


def speed(tokens_per_second: float) -> str:
    """142 tok/s."""
    return f"{_LOCAL.rate(tokens_per_second)} tok/s"


def signed(number: float) -> str:
    """+2, −3.5."""
    return f"{'+' if number > 0 else '−'}{abs(number):g}"
