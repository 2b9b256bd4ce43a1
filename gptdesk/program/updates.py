"""Asks one address whether there is a newer version: one request, a bounded answer.

The answer is a JSON object with ``tag_name``, the version, and ``html_url``, a page about it; GitHub describes the
newest release of a repository so.
"""

from __future__ import annotations

import re
import time
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from gptdesk import __version__
from gptdesk.bounded_read import ContentError, convert, parse_json
from gptdesk.errors import UserError, brief

ADDRESS: Final = "https://api.github.com/repos/gptdesk/gptdesk/releases/latest"
"""Asked where the settings name no other."""

LARGEST_ANSWER: Final = 1 << 20
"""Bytes; the description of a release has some thousand."""

PATIENCE: Final = 20.0
"""Seconds to wait for a connection, for each piece of the answer, and for all of it."""

_HEADERS: Final = {
    "User-Agent": f"gptdesk/{__version__}",
    "Accept": "application/json",
    "Accept-Encoding": "identity",  # what is not packed cannot unpack to more than it is
}
_VERSION: Final = re.compile(r"v?(\d{1,9}(?:\.\d{1,9}){0,3})")
_LONGEST_PAGE: Final = 500
"""Characters of the address of a page."""


class Release(msgspec.Struct, frozen=True):
    """The newest version.

    Attributes:
        version: numbers with dots.
        page: address of a page about it; "" if the answer names none that a browser could open.
    """

    version: str
    page: str

    @property
    def is_newer(self) -> bool:
        """Whether it is newer than this program."""
        return _numbers(self.version) > _numbers(__version__)

    def describe(self) -> str:
        """One sentence for people."""
        if not self.is_newer:
            return f"gptdesk {__version__} is the newest version."
        where = f"; it is at {self.page}" if self.page else ""
        return f"gptdesk {self.version} is out, and this is {__version__}{where}."


class _Answer(msgspec.Struct):
    tag_name: str
    html_url: str = ""


def check_address(text: str) -> str:
    """Returns the address without spaces around it; "" stays "".

    Raises:
        UserError: if it is no address of a web server.
    """
    address = text.strip()
    if address and not _is_web_address(address):
        raise UserError(f"{brief(text)} is no web address; write it like {ADDRESS}, or leave it empty.")
    return address


def newest_release(address: str = "") -> Release:
    """Asks an address, `ADDRESS` by default, for the newest version.

    Raises:
        UserError: when it cannot be reached, or answers something else.
    """
    asked = address or ADDRESS
    try:
        answer = convert(parse_json(_fetch(asked)), _Answer)
    except (ContentError, msgspec.ValidationError, RecursionError) as error:
        raise _not_understood(asked, str(error)) from None
    version = _VERSION.fullmatch(answer.tag_name)
    if version is None:
        raise _not_understood(asked, f"{brief(answer.tag_name)} is no version")
    page = answer.html_url if len(answer.html_url) <= _LONGEST_PAGE and _is_web_address(answer.html_url) else ""
    return Release(version[1], page)


def _fetch(address: str) -> bytes:
    """The body of the answer to one request; redirects are not followed."""
    from huggingface_hub import get_session  # its certificates and proxies are those of the downloads
    from huggingface_hub.errors import HTTPError, OfflineModeIsEnabled

    try:
        session = get_session()
        request = session.build_request("GET", address, headers=_HEADERS, timeout=PATIENCE)
    except Exception as error:  # an address or a proxy's setting that is none
        raise _not_reached(address, error) from error
    try:
        response = session.send(request, stream=True, follow_redirects=False)
    except OfflineModeIsEnabled:
        raise UserError(f"{_host(address)} was not asked for a new version: HF_HUB_OFFLINE is set.") from None
    except HTTPError as error:
        raise _not_reached(address, error) from None
    try:
        if response.status_code != 200:
            raise UserError(
                f"{_host(address)} does not say which version is the newest (status {response.status_code}); "
                "look again later, or check the address in the settings."
            )
        return _read(response, address)
    except HTTPError as error:
        raise _not_reached(address, error) from None
    finally:
        response.close()


def _read(response: Any, address: str) -> bytes:
    if response.headers.get("Content-Encoding", "identity").strip().lower() != "identity":
        raise _not_understood(address, "it is packed")
    until = time.monotonic() + PATIENCE
    body = bytearray()
    for piece in response.iter_raw():
        body += piece
        if len(body) > LARGEST_ANSWER:
            raise _not_understood(address, "it is larger than 1 MB")
        if time.monotonic() > until:
            raise UserError(f"{_host(address)} does not end its answer; look for a new version again later.")
    return bytes(body)


def _numbers(version: str) -> tuple[int, ...]:
    """For comparison; zeros at the end do not count, and what follows the numbers of a development version neither."""
    match = _VERSION.match(version)
    numbers = [int(part) for part in match[1].split(".")] if match else []
    while numbers and numbers[-1] == 0:
        numbers.pop()
    return tuple(numbers)


def _is_web_address(address: str) -> bool:
    try:
        parts = urlsplit(address)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False
    return usable and address.isprintable() and " " not in address


def _host(address: str) -> str:
    return urlsplit(address).hostname or brief(address)


def _not_reached(address: str, error: Exception) -> UserError:
    lines = str(error).strip().splitlines()
    reason = f" ({lines[0][:200].rstrip('.')})" if lines else ""
    return UserError(
        f"{_host(address)} cannot be reached{reason}, so whether there is a new version is not known; check the "
        "connection and try again."
    )


def _not_understood(address: str, reason: str) -> UserError:
    return UserError(
        f"The answer of {_host(address)} about the newest version is not understood ({reason}); check the address in "
        "the settings."
    )
