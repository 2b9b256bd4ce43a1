"""Whether the system saves power, as Linux says it."""

from pathlib import Path

import pytest

from gptdesk import power_saver


@pytest.mark.parametrize(
    ("said", "expected"), [(b"low-power\n", True), (b"balanced\n", False), (b"\xff", False), (None, False)]
)
def test_the_profile_of_the_platform_says_it(
    said: bytes | None, expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = tmp_path / "platform_profile"
    if said is not None:
        profile.write_bytes(said)
    monkeypatch.setattr(power_saver, "PROFILE", profile)
    assert power_saver.power_saver_is_on() == expected
