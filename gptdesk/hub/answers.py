"""Sends requests to the hub and reads answers of bounded size; failures become sentences."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final
from urllib.parse import urlsplit

from gptdesk.errors import UserError
from gptdesk.hub.errors import Passing, answer_error, hub_errors, not_asked, not_understood

LARGEST_ANSWER: Final = 16 * 2**20
"""Bytes of one unpacked JSON answer; the list of a repository of 50,000 files has some 15 million."""

LONGEST_ANSWER: Final = 120.0
"""Seconds in which a JSON answer must be complete."""

MOST_PAGES: Final = 1000
"""Maximum number of pages of a list; the hub puts 1,000 files on one."""

_MOST_REDIRECTS: Final = 10
_ENCODINGS: Final = ("", "identity", "gzip", "deflate")


def ask(
    url: str, repo: str, *, what: str = "model", revision: str = "", query: Mapping[str, str] | None = None
) -> bytes:
    """Requests something about a repository from the hub and returns the JSON as received.

    Args:
        url: of the request.
        repo: ``owner/name``, for error messages.
        what: "model" or "data set".
        revision: requested, if any; for error messages.
        query: parameters of the request.

    Raises:
        NotThere: when there is no such repository or revision.
        Passing: when the hub cannot be reached now.
        UserError: when the request is refused, or the answer is invalid or endless.
    """
    return next(pages(url, repo, what=what, revision=revision, query=query))


def pages(
    url: str, repo: str, *, what: str = "model", revision: str = "", query: Mapping[str, str] | None = None
) -> Iterator[bytes]:
    """The pages of a list that the hub sends in parts; arguments and errors as `ask`."""
    from huggingface_hub import constants

    for _ in range(MOST_PAGES):
        with answer(url, repo, what=what, revision=revision, query=query, timeout=constants.HF_HUB_ETAG_TIMEOUT) as got:
            body = _read(got, repo)
            following = got.links.get("next", {}).get("url", "")
        yield body
        if not following:
            return
        if urlsplit(following)[:2] != urlsplit(url)[:2]:  # the token must not be sent to another server
            raise not_understood(repo)
        url, query = following, None
    raise UserError(f"The hub's list of the files of {repo} has no end; give a folder of it.")


@contextmanager
def answer(
    url: str,
    repo: str,
    *,
    timeout: float,
    what: str = "model",
    revision: str = "",
    file: str = "",
    query: Mapping[str, str] | None = None,
    headers: Mapping[str, str] | None = None,
    accepted: tuple[int, ...] = (),
) -> Iterator[Any]:
    """Opens a response without reading its body. Bodies of redirects and errors are never read.

    Args:
        url: of the request.
        repo: ``owner/name``, for error messages.
        timeout: seconds to wait for a connection, and for each piece of the response.
        what: "model" or "data set".
        revision: requested, if any; for error messages.
        file: requested, if any; for error messages.
        query: parameters of the request.
        headers: of the request, besides those of the hub's library.
        accepted: statuses beyond those of success that the caller understands.

    Raises:
        NotThere, Passing, UserError: as `ask`.
    """
    with hub_errors(repo, what=what, revision=revision, file=file):
        response = _open(url, repo, dict(query or {}), dict(headers or {}), timeout)
        try:
            if response.status_code not in accepted and not response.is_success:
                raise answer_error(response, repo, what, revision, file)
            yield response
        finally:
            response.close()


def _open(url: str, repo: str, query: dict[str, str], headers: dict[str, str], timeout: float) -> Any:
    from huggingface_hub import get_session
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils import build_hf_headers, validate_repo_id

    validate_repo_id(repo)
    try:
        session = get_session()
        headers = build_hf_headers() | {"Accept-Encoding": "gzip, deflate"} | headers
        request = session.build_request("GET", url, params=query or None, headers=headers, timeout=timeout)
    except HFValidationError:
        raise
    except Exception as error:  # an address, a token or a proxy's setting that is none
        raise not_asked(error) from error
    for _ in range(_MOST_REDIRECTS):
        response = session.send(request, stream=True, follow_redirects=False)
        if response.next_request is None:
            return response
        request = response.next_request
        response.close()
    raise not_understood(repo)


def _read(response: Any, repo: str) -> bytes:
    """The body, unpacked piece by piece and bounded in size and time."""
    if response.headers.get("Content-Encoding", "").strip().lower() not in _ENCODINGS:
        raise not_understood(repo)
    until = time.monotonic() + LONGEST_ANSWER
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise UserError(
                f"The hub's answer about {repo} is longer than {LARGEST_ANSWER // 2**20} MiB, which no answer is; is "
                "HF_ENDPOINT set to something else than a hub?"
            )
        if time.monotonic() > until:
            raise Passing(f"The hub's answer about {repo} does not come to its end; try again later.")
    return bytes(body)
