"""The table of settings: what is declared is checked, kept and documented; a class with one more has one more."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from gptdesk.errors import UserError
from gptdesk.hub.endpoint import check_endpoint, use_endpoint
from gptdesk.store.reference import reference_page
from gptdesk.store.setting_fields import Choice, Number, Switch, Text, setting, settings_of
from gptdesk.store.settings import SETTINGS, Settings
from gptdesk.store.settings_file import SettingsFile


@dataclass(frozen=True, kw_only=True)
class More(Settings):
    """The settings, and one that is added here alone."""

    wobble: int = setting(
        3, title="Wobble", help="How much it wobbles.", page="Motion", control=Number(lowest=1, highest=9)
    )


@pytest.mark.parametrize("kind", [Settings, More])
def test_every_setting_has_words_and_a_default_that_its_control_takes(kind: type[Settings]) -> None:
    for key, one in settings_of(kind).items():
        assert one.key == key
        assert one.title
        assert one.help.endswith(".")
        assert one.page
        assert one.control.check(key, one.default) == one.default == getattr(kind(), key)


def test_an_added_setting_is_checked_kept_and_documented(tmp_path: Path) -> None:
    assert "| Wobble | `wobble` | 1 to 9 | 3 | How much it wobbles. |" in reference_page(More)
    with pytest.raises(UserError, match=r"wobble must be a whole number from 1 to 9, not 10\."):
        More(wobble=10)
    file = SettingsFile(tmp_path / "settings.json", More)
    file.save(More(wobble=7, theme="dark"))
    assert file.load() == (More(wobble=7, theme="dark"), [])
    assert SettingsFile(file.path).load() == (Settings(theme="dark"), [])  # a build without it


@pytest.mark.parametrize(
    ("control", "good", "bad"),
    [
        (Choice(titles={"a": "A"}), ["a"], ["b", 1, None, []]),
        (Number(lowest=0, highest=4), [0, 4], [-1, 5, True, 2.0, "2"]),
        (Switch(), [True, False], [0, "true", None]),
        (Text(), ["", "x"], [1, None]),
    ],
)
def test_a_control_takes_only_values_of_its_kind(control: Any, good: list[Any], bad: list[Any]) -> None:
    assert [control.check("x", value) for value in good] == good
    for value in bad:
        with pytest.raises(UserError, match=r"^x must be .*\.$"):
            control.check("x", value)


@pytest.mark.parametrize("text", ["mirror", "ftp://x.org", "https://", "https://a b", "https://x:99999", "http://[1"])
def test_what_is_no_web_address_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="no web address"):
        check_endpoint(text)


def test_an_address_is_kept_without_its_last_slash_and_used_until_it_is_emptied(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", "https://before.example")
    monkeypatch.setenv("HF_ENDPOINT", "https://before.example")
    monkeypatch.setattr("gptdesk.hub.endpoint._before", [])
    use_endpoint("")
    assert constants.ENDPOINT == "https://before.example"
    use_endpoint(Settings(endpoint=" https://mirror.example/ ").endpoint)
    assert constants.ENDPOINT == "https://mirror.example"
    use_endpoint("")
    assert constants.ENDPOINT == "https://before.example"


def test_the_page_of_the_documentation_is_up_to_date() -> None:
    page = Path(__file__).parents[2] / "docs" / "SETTINGS.md"
    assert page.read_text(encoding="utf-8") == reference_page(), "python -m gptdesk.store.reference > docs/SETTINGS.md"
    assert all(f"`{key}`" in page.read_text(encoding="utf-8") for key in SETTINGS)


def test_damaged_shortcuts_cost_themselves_alone() -> None:
    settings, _ = Settings.from_json({"shortcuts": {"a": ["Ctrl+G"], "b": 7}, "recent_commands": ["a", 3]})
    assert dict(settings.shortcuts) == {"a": ("Ctrl+G",)}
    assert settings.recent_commands == ()
