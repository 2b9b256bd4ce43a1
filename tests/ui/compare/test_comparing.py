"""Comparing on the page: texts, figures, where they part, colours, columns that are missing, stopping."""

from pathlib import Path

from tests.ui.compare.conftest import CompareDriver


def test_two_columns_write_and_the_table_has_their_figures(compare: CompareDriver) -> None:
    compare.run()
    results = compare.service.results
    assert compare.texts == [results.cells[0, column].text for column in range(2)]
    assert compare.texts[0] != compare.texts[1]
    figures = {row[0]: row[1:] for row in compare.table(compare.view.panel.figures)}
    assert figures["Tokens"] == ["8", "8"]
    assert {"Tokens/s", "Log-probability", "Distinct-1", "Characters", "KL, nats/token"} <= set(figures)


def test_look(compare: CompareDriver) -> None:
    import os

    if not os.environ.get("LOOK"):
        return
    compare.run()
    w = compare.opened.window
    folder = Path(os.environ["LOOK"])
    for theme in ("light", "dark"):
        compare.opened.services.theme.set_mode(theme)
        for size in ((1000, 700), (2560, 1440)):
            w.resize(*size)
            compare.qtbot.wait(100)
            w.grab().save(str(folder / f"{theme}-{size[0]}.png"))
    compare.opened.services.theme.set_mode("light")
