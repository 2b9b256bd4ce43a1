"""``gptdesk tokenize``: the tokens that a model makes of a text."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from gptdesk.commands.prompt import add_special_flag, read_text
from gptdesk.folders import Folders
from gptdesk.gpt2.config import GPT2Config
from gptdesk.gpt2.layout import CONFIG_FILE, read_config
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.vocabulary_checks import MOST_TOKENS
from gptdesk.library.catalogue import find_model


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
    parser.add_argument(
        "-m",
        "--model",
        metavar="NAME_OR_FOLDER",
        help="model whose tokenizer is used, or a folder with a tokenizer's files; when not given: GPT-2's tokenizer",
    )
    add_special_flag(parser)
    parser.add_argument("--json", action="store_true", help='print {"id":…,"text":…} instead')
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Prints the tokens and returns the exit status."""
    text = read_text(options.text)
    tokenizer = _tokenizer(options.model)
    for id in tokenizer.encode(text, allow_special=options.special):
        piece = tokenizer.piece(id)
        if options.json:
            sys.stdout.write(json.dumps({"id": id, "text": piece}, ensure_ascii=False) + "\n")
        else:
            sys.stdout.write(f"{id}\t{quoted(tokenizer.token_bytes(id))}\n")
    return 0


def _tokenizer(model: str | None) -> Tokenizer:
    if model is None:
        from gptdesk.gpt2.tokenizers.openai import gpt2_tokenizer

        return gpt2_tokenizer()
    from gptdesk.gpt2.tokenizers.loading import brings_tokenizer, load_tokenizer

    folder = Path(model)
    if brings_tokenizer(folder) and not (folder / CONFIG_FILE).exists():
        return load_tokenizer(folder, GPT2Config(vocab_size=MOST_TOKENS))
    path = find_model(model, Folders.of_this_user()).path
    return load_tokenizer(path, read_config(path))


def quoted(token: bytes) -> str:
    """A token in quotes, escaped as JSON does; bytes that are no whole character as in Python."""
    text = token.decode("utf-8", errors="surrogateescape")
    quoted = json.dumps(text, ensure_ascii=False)
    return "".join(f"\\x{ord(char) - 0xDC00:02x}" if "\udc80" <= char <= "\udcff" else char for char in quoted)
