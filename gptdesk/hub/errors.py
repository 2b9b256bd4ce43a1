"""Turns exceptions of the hub's library and refusals of the hub into sentences."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any, Final

from gptdesk.errors import UserError
from gptdesk.number_format import waiting_time

PASSING_STATUS: Final = (408, 425, 429, 500, 502, 503, 504)
"""HTTP statuses after which another request may succeed."""

LONGEST_RETRY_AFTER: Final = 300.0
"""Seconds of ``Retry-After`` that are waited for; a longer wait is an error message."""


_DAY: Final = 86_400.0
"""Seconds; the longest ``Retry-After`` that is shown."""


class NotThere(UserError):
    """The hub has no such repository, revision or file, or hides it.

    Attributes:
        reason: short form of the sentence, for brackets.
    """

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Passing(UserError):
    """A failure that may pass by itself.

    Attributes:
        retry_after: seconds to wait, as the server says; ``None`` when it does not.
    """

    def __init__(self, sentence: str, retry_after: float | None = None) -> None:
        super().__init__(sentence)
        self.retry_after = retry_after


@contextmanager
def hub_errors(repo: str, *, what: str = "model", revision: str = "", file: str = "") -> Iterator[None]:
    """Turns what the hub's library raises into `NotThere`, `Passing` or another `UserError`.

    Args:
        repo: that is asked for, as ``owner/name``.
        what: "model" or "data set".
        revision: that is asked for, if any.
        file: that is asked for, if any.
    """
    from huggingface_hub import errors

    try:
        yield
    except errors.OfflineModeIsEnabled:
        raise UserError(f"The hub is needed for {repo}, but HF_HUB_OFFLINE is set; unset it.") from None
    except errors.HfHubHTTPError as error:
        raise answer_error(error.response, repo, what, revision, file) from None
    except errors.HTTPError as error:
        raise Passing(
            f"The hub at {_endpoint()} cannot be reached ({reason_of(error)}); check the connection and try again."
        ) from None
    except errors.HFValidationError:
        raise NotThere(f"{repo!r} is no name on the hub, where names look like owner/name.", "no name") from None


def answer_error(response: Any, repo: str, what: str, revision: str = "", file: str = "") -> UserError:
    """The sentence for an answer that is a refusal; reads its status and headers alone."""
    from huggingface_hub.utils import get_token

    status = response.status_code
    code = response.headers.get("X-Error-Code", "")
    message = _short(response.headers.get("X-Error-Message", ""))
    if status in PASSING_STATUS:
        after = retry_after(response.headers.get("Retry-After"))
        if status == 429:
            wait = f"in {waiting_time(after)}" if after else "later"
            return Passing(f"The hub has had too many requests from here; try again {wait}.", after)
        return Passing(f"The hub has an internal problem (status {status}); try again later.", after)
    if code == "GatedRepo":
        return UserError(
            f"{repo} requires that you accept its terms: do so at {_endpoint()}/{_page(what)}{repo}, "
            "then set HF_TOKEN to a token of yours."
        )
    if code == "RevisionNotFound":
        return NotThere(f"{repo} has no revision {revision or 'of that name'}.", "no such revision")
    if code == "EntryNotFound":
        sentence = f"{repo} has no file {file}." if file else f"{repo} has no such file or folder."
        return NotThere(sentence, "no such file or folder")
    if "Invalid credentials" in message or "Invalid user token" in message:
        return UserError(
            "The hub does not know the token in HF_TOKEN or in your login; make a new one at "
            f"{_endpoint()}/settings/tokens, or unset it: public models need none."
        )
    if code == "RepoNotFound" or status in (401, 404):
        advice = " that your token may not read" if get_token() else ": check the name, or set HF_TOKEN to read it"
        return NotThere(
            f"The hub has no {what} called {repo}, or a private one{advice}.",
            f"no such {what}, or a private one (set HF_TOKEN)",
        )
    if status == 403 or "disabled" in message:
        return UserError(f"The hub refuses {repo} ({message.rstrip('.') or status}); your token may lack the right.")
    return UserError(f"The hub answered {status} when asked for {file or repo}, which gptdesk does not understand.")


def _endpoint() -> str:
    from huggingface_hub import constants

    return constants.ENDPOINT


def _page(what: str) -> str:
    return "" if what == "model" else "datasets/"


def retry_after(value: str | None) -> float | None:
    """Seconds in a ``Retry-After``, a day at most, which may also be a date; ``None`` where it is neither."""
    value = (value or "").strip()
    try:
        seconds = float(value)
    except ValueError:
        try:
            seconds = max(0.0, (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds())
        except (ValueError, TypeError, OverflowError):  # TypeError: a date that names no zone
            return None
    return min(seconds, _DAY) if seconds >= 0 else None  # NaN is not


def not_asked(error: Exception) -> UserError:
    """The error when no request can be made: address, token or proxy are set to invalid values."""
    return UserError(
        f"The hub cannot be asked ({reason_of(error)}); check HF_ENDPOINT, HF_TOKEN and the proxies' settings."
    )


def not_understood(repo: str) -> UserError:
    """The error for an answer that is not one of a hub."""
    return UserError(
        f"The hub's answer about {repo} is not understood; is HF_ENDPOINT set to something else than a hub?"
    )


def reason_of(error: Exception) -> str:
    """The first line of an error's text, for brackets."""
    lines = str(error).strip().splitlines()
    return _short(lines[0]).rstrip(".") if lines else type(error).__name__


def _short(text: str) -> str:
    """Foreign text, made printable and cut to a length that a sentence can hold."""
    shown = "".join(char if char.isprintable() else " " for char in text[:200])
    return shown if len(text) <= 200 else f"{shown}…"
