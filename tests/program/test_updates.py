"""The question for a newer version, put to a server on loopback that answers well, badly, too much, or not at all."""

import pytest

import gptdesk
from gptdesk.errors import UserError
from gptdesk.program import updates
from gptdesk.program.updates import check_address, newest_release
from tests.release_server import PAGE, ReleaseServer
from tests.release_server import server as server  # a fixture


def test_a_newer_version_is_told_with_its_page_after_one_request(server: ReleaseServer) -> None:
    release = newest_release(server.address)
    assert (release.version, release.page, release.is_newer) == ("9.0", PAGE, True)
    assert release.describe() == f"gptdesk 9.0 is out, and this is {gptdesk.__version__}; it is at {PAGE}."
    ((path, headers),) = server.requests
    assert path == "/newest"
    assert headers["User-Agent"] == f"gptdesk/{gptdesk.__version__}"
    assert "Authorization" not in headers


def test_nothing_but_the_version_is_sent(server: ReleaseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    newest_release(server.address)
    assert "hf_secret" not in str(server.requests)


@pytest.mark.parametrize("version", [gptdesk.__version__, f"v{gptdesk.__version__}.0", "0.0.9", "0"])
def test_the_same_and_older_versions_are_not_newer(server: ReleaseServer, version: str) -> None:
    server.answers({"tag_name": version})
    assert newest_release(server.address).describe() == f"gptdesk {gptdesk.__version__} is the newest version."


def test_ten_is_more_than_nine(server: ReleaseServer) -> None:
    server.answers({"tag_name": "0.10"})
    assert newest_release(server.address).is_newer


@pytest.mark.parametrize("page", ["file:///etc/passwd", "javascript:alert(1)", "http://", f"http://x/{'y' * 600}"])
def test_a_page_that_is_no_web_page_is_not_told(server: ReleaseServer, page: str) -> None:
    server.answers({"tag_name": "9", "html_url": page})
    assert newest_release(server.address).page == ""


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>",
        b"[]",
        b"null",
        b'{"tag_name": 3}',
        b'{"tag_name": "new"}',
        b'{"name": "9"}',
        b"[" * 5000,
        b"\xff",
    ],
)
def test_an_answer_that_is_none_is_refused_with_a_sentence(server: ReleaseServer, body: bytes) -> None:
    server.body = body
    with pytest.raises(UserError, match=r"^The answer of 127\.0\.0\.1 about the newest version is not understood \("):
        newest_release(server.address)


def test_a_packed_answer_is_not_unpacked(server: ReleaseServer) -> None:
    server.headers = {"Content-Encoding": "gzip"}
    with pytest.raises(UserError, match="it is packed"):
        newest_release(server.address)


def test_an_answer_without_end_is_cut_off(server: ReleaseServer) -> None:
    server.body = b" " * (updates.LARGEST_ANSWER + 1)
    with pytest.raises(UserError, match="larger than 1 MB"):
        newest_release(server.address)


@pytest.mark.parametrize("status", [301, 302, 404, 429, 500])
def test_a_refusal_is_said_and_a_redirect_is_not_followed(server: ReleaseServer, status: int) -> None:
    server.status, server.headers = status, {"Location": server.address}
    with pytest.raises(UserError, match=rf"does not say which version is the newest \(status {status}\)"):
        newest_release(server.address)
    assert len(server.requests) == 1


def test_offline_it_is_said_that_nothing_is_known(server: ReleaseServer) -> None:
    closed = "http://127.0.0.1:1/newest"
    with pytest.raises(UserError, match=r"^127\.0\.0\.1 cannot be reached.*check the connection and try again\.$"):
        newest_release(closed)


def test_who_has_switched_the_network_off_is_not_asked_for(
    server: ReleaseServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(UserError, match="HF_HUB_OFFLINE is set"):
        newest_release(server.address)
    assert server.requests == []


@pytest.mark.parametrize("text", ["nothing", "ftp://host/x", "http://", "http://host:x/", "http://a b/"])
def test_an_address_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UserError, match="is no web address"):
        check_address(text)


def test_an_address_may_be_empty() -> None:
    assert (check_address("  "), check_address(" https://host/x/ ")) == ("", "https://host/x/")
