"""``gptdesk tokenize``: how GPT-2 cuts a text."""

from __future__ import annotations

import argparse
import json
import sys

from gptdesk.commands.prompt import read_text


def add_parser(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Describes the command to the command line."""
    parser = commands.add_parser(
        "tokenize",
        help="show the tokens of a text",
        description="Prints one line for each token: its id and its text in quotes. Bytes that are part of a "
        "character are shown as \\xe4.",
        allow_abbrev=False,
    )
    parser.add_argument("text", metavar="TEXT", help="the text; - reads standard input")
    parser.add_argument("--special", action="store_true", help="read <|endoftext|> as the special token, not as text")
    parser.add_argument("--json", action="store_true", help='print {"id":…,"text":…} instead')
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the tokens and returns the exit status."""
    text = read_text(options.text)
    from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

    tokenizer = gpt2_tokenizer()
    for id in tokenizer.encode(text, allow_special=options.special):
        piece = tokenizer.piece(id)
        if options.json:
            sys.stdout.write(json.dumps({"id": id, "text": piece}, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(f"{id}\t{_quoted(tokenizer.token_bytes(id))}\n")
    return 0


def _quoted(token: bytes) -> str:
    """A token in quotes, escaped as JSON does; bytes that are no whole character as in Python."""
    text = token.decode("utf-8", errors="surrogateescape")
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in quoted)
