"""What the hub's library raises, as sentences for the person."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Final

from gptdesk.gpt2.errors import UserError

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

PASSING_STATUS: Final = (408, 425, 429, 500, 502, 503, 504)
"""Answers that may be others in a moment."""

LONGEST_RETRY_AFTER: Final = 300.0
"""Seconds that a server may ask us to wait; one that asks for more is told to the person instead."""


class NotThere(UserError):
    """The hub has no such repository, revision or file, or hides it.

    Attributes:
        reason: the same in a few words, to be put into brackets.
    """

    def __init__(self, sentence: str, reason: str) -> None:
        super().__init__(sentence)
        self.reason = reason


class Passing(UserError):
    """Something that may be over in a moment.

    Attributes:
        retry_after: seconds that the server asks us to wait; ``None`` when it does not say.
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
        raise _of_answer(error, repo, what, revision, file) from None
    except errors.HTTPError as error:
        raise Passing(
            f"The hub at {_endpoint()} cannot be reached ({reason_of(error)}); check the connection and try again."
        ) from None
    except errors.HFValidationError:
        raise NotThere(f"{repo!r} is no name on the hub, where names look like owner/name.", "no name") from None


def _of_answer(error: HfHubHTTPError, repo: str, what: str, revision: str, file: str) -> UserError:
    """The sentence for an answer that is none."""
    from huggingface_hub.utils import get_token

    response = error.response
    status = response.status_code
    code = response.headers.get("X-Error-Code", "")
    message = response.headers.get("X-Error-Message", "")
    if status in PASSING_STATUS:
        after = retry_after(response.headers.get("Retry-After"))
        if status == 429:
            wait = f" in {after:.0f} seconds" if after else " later"
            return Passing(f"The hub has had too many requests from here; try again{wait}.", after)
        return Passing(f"The hub has trouble of its own (it answered {status}); try again later.", after)
    if code == "GatedRepo":
        return UserError(
            f"{repo} is given only to those who accepted its terms: do so at {_endpoint()}/{_page(what)}{repo}, "
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
    """Seconds in a ``Retry-After``, which may also be a date; ``None`` where it is neither."""
    value = (value or "").strip()
    if value.isascii() and value.isdecimal():
        return float(value)
    try:
        date = parsedate_to_datetime(value)
        return max(0.0, (date - datetime.now(UTC)).total_seconds())
    except (ValueError, TypeError):  # TypeError: a date that names no zone
        return None


def reason_of(error: Exception) -> str:
    """The first line of what an error says, to be put into brackets."""
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(".") if lines else type(error).__name__
