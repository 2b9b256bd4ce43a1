"""How fast text becomes tokens on one core: prepare's encoder against nanoGPT's map, one document at a time.

    python -m benchmarks.prepare [TEXT ...] [--document-bytes N] [--json OUT]

TEXT is anything that `trainer prepare` reads from this computer; without one a text is made up. Both get the same
documents, each document once: they take turns, a portion at a time, so that whatever else the machine does falls on
both and our table of pieces fills as it does in earnest. Their ids are compared. Last, whole preparations with one
worker read the same documents from a file and write shards; the tenth of a second in which a process makes its table is
not counted.
"""

from __future__ import annotations

import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from statistics import median
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import tiktoken
from tiktoken.load import load_tiktoken_bpe

from benchmarks.machine import describe_machine, hand_over, report_parser
from gptdesk.errors import UserError
from gptdesk.gpt2.config import END_OF_TEXT
from gptdesk.gpt2.tokenizer import Tokenizer
from gptdesk.gpt2.tokenizers.openai import END_OF_TEXT_STRING, RANKS_SHA256, gpt2_tokenizer
from gptdesk.resource_files import resource
from trainer.prepare import Request, prepare
from trainer.prepare.broken import Broken
from trainer.prepare.encoding.encode import BatchEncoder, batch_encoder
from trainer.prepare.formats import PARQUET
from trainer.prepare.formats.input import Settings
from trainer.prepare.readers import Reader
from trainer.prepare.sources.files import find_files
from trainer.prepare.text.separators import cut_place

DOCUMENT_BYTES: Final = 4_963
"""The mean of OpenWebText: 39,769,494,896 bytes in 8,013,769 documents (the data set's dataset_infos.json)."""

PORTION_BYTES: Final = 1 << 20
"""Text in a turn."""

LEAST_WHOLE_BYTES: Final = 8 << 20
WHOLE_TURNS: Final = 3

MOST_BYTES: Final = 32 << 20
"""Of a longer text the beginning is enough."""

R50K: Final = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}++| ?\p{N}++| ?[^\s\p{L}\p{N}]++|\s++$|\s+(?!\S)|\s"""
"""tiktoken's own pattern for the encoding "gpt2" (tiktoken_ext/openai_public.py)."""

UInt16s = npt.NDArray[np.uint16]


class NanoGPT:
    """The map of nanoGPT's data/openwebtext/prepare.py, with tiktoken's "gpt2" built of the ranks that we ship."""

    def __init__(self) -> None:
        self.enc = tiktoken.Encoding(
            "gpt2",
            pat_str=R50K,
            mergeable_ranks=load_tiktoken_bpe(str(resource("gpt2", "gpt2.tiktoken")), RANKS_SHA256),
            special_tokens={END_OF_TEXT_STRING: END_OF_TEXT},
        )

    def process(self, example: dict[str, str]) -> dict[str, Any]:
        ids = self.enc.encode_ordinary(example["text"])  # encode_ordinary ignores any special tokens
        ids.append(self.enc.eot_token)  # add the end of text token
        return {"ids": ids, "len": len(ids)}


def read_documents(sources: Sequence[str], document_bytes: int) -> list[bytes]:
    """The first texts of files and folders, cut at line ends to a length of so many bytes; 0 leaves them whole.

    Raises:
        UserError: when there is nothing to read.
    """
    documents: list[bytes] = []
    size = 0
    for file in find_files([str(Path(source).absolute()) for source in sources], split="", avoid=Path(os.devnull)):
        end = sys.maxsize if file.format != PARQUET else _row_groups(Path(file.path))
        for segments in Reader(file, Path(file.path), Settings(), Broken()).documents(0, min(end, file.bytes)):
            documents += cut(b"".join(segments), document_bytes)
            size += sum(map(len, segments))
            if size >= MOST_BYTES:
                return documents
    if not documents:
        raise UserError("There is no text in what was named.")
    return documents


def _row_groups(path: Path) -> int:
    import pyarrow.parquet

    return int(pyarrow.parquet.ParquetFile(path).num_row_groups)


def cut(text: bytes, size: int) -> Iterator[bytes]:
    """Parts of ``text``, each ``size`` bytes long or a little shorter; the whole for 0."""
    at = 0
    while size and len(text) - at > size:
        end = cut_place(text, at, at + size)
        yield text[at:end]
        at = end
    yield text[at:]


def made_up_text(size: int, tokenizer: Tokenizer) -> list[bytes]:
    """Documents of words as frequent as Zipf's law has it, one in a hundred of them never seen before."""
    rng = random.Random(0)
    syllables = [s for id in range(50_000) if (s := tokenizer.token_bytes(id)).isalpha() and 1 < len(s) < 5]
    lexicon = [b"".join(rng.choices(syllables, k=rng.choice((1, 1, 2, 2, 3)))) for _ in range(50_000)]
    weights = list(accumulate(1 / rank for rank in range(3, len(lexicon) + 3)))
    ends = [b" "] * 12 + [b", ", b". ", b".\n\n", " – ".encode(), "’s ".encode(), b"'t ", b" 1984 "]
    documents = []
    for _ in range(size // DOCUMENT_BYTES):
        words, length = [], 0
        while length < DOCUMENT_BYTES:
            new = rng.random() < 0.01
            word = b"".join(rng.choices(syllables, k=3)) if new else rng.choices(lexicon, cum_weights=weights)[0]
            words += [word, rng.choice(ends)]
            length += len(word) + len(words[-1])
        documents.append(b"".join(words).strip())
    return documents


def portions(documents: Sequence[bytes]) -> Iterator[list[bytes]]:
    """Documents of `PORTION_BYTES` together, or of what is left."""
    portion: list[bytes] = []
    size = 0
    for document in documents:
        portion.append(document)
        size += len(document)
        if size >= PORTION_BYTES:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def benchmark(documents: Sequence[bytes]) -> dict[str, Any]:
    """Measures both and returns everything that the report holds."""
    plain, ours = NanoGPT(), BatchEncoder(gpt2_tokenizer())
    seconds: dict[str, list[float]] = {"ours": [], "nanogpt": []}
    counts: list[int] = []
    for turn, portion in enumerate(portions(documents)):
        segments = [(document,) for document in portion]  # as our readers give them
        examples = [{"text": document.decode()} for document in portion]  # as its readers give them
        mapped: list[dict[str, Any]] = []
        encoded = ours.encode([])
        for name in sorted(seconds, reverse=turn % 2 == 1):
            began = time.perf_counter()
            if name == "ours":
                encoded = ours.encode(segments)
            else:
                mapped = [plain.process(example) for example in examples]
            seconds[name].append(time.perf_counter() - began)
        assert encoded.tokens.tolist() == [id for example in mapped for id in example["ids"]]
        counts.append(encoded.tokens.size)
    whole = whole_prepare(documents)
    speed = {name: sum(counts) / sum(values) for name, values in seconds.items()}
    ratios = [theirs / own for own, theirs in zip(seconds["ours"], seconds["nanogpt"], strict=True)]
    return {
        "version": 1,
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": describe_machine("numpy", "tiktoken"),
        "documents": len(documents),
        "bytes": sum(map(len, documents)),
        "tokens": sum(counts),
        "tokens_per_s": {name: round(value) for name, value in speed.items()}
        | {"whole": round(whole) if whole else None},
        "ratio": round(median(ratios), 3),
        "ratio_of_sums": round(speed["ours"] / speed["nanogpt"], 3),
        "ratio_whole": whole and round(whole / speed["nanogpt"], 3),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }


def whole_prepare(documents: Sequence[bytes]) -> float | None:
    """Tokens per second of `trainer prepare` with one worker, from a text file to finished shards.

    None for a short text, with which it would be the disk that is timed, syncing a dozen files.
    """
    if sum(map(len, documents)) < LEAST_WHOLE_BYTES:
        return None
    speeds = []
    with tempfile.TemporaryDirectory() as folder:
        source, held_out = Path(folder, "text.txt"), Path(folder, "held-out.txt")
        source.write_bytes(b"\n<|endoftext|>\n".join(documents))
        held_out.write_bytes(b"Every preparation needs some.")
        request = Request(sources=(str(source),), validation=(str(held_out),))
        for turn in range(WHOLE_TURNS):
            batch_encoder.cache_clear()  # no piece is known from the last time
            batch_encoder(gpt2_tokenizer())
            began = time.perf_counter()
            manifest = prepare(request, Path(folder, f"out-{turn}"))
            speeds.append(int(manifest["tokens"]) / (time.perf_counter() - began))
    return median(speeds)


def format_report(report: dict[str, Any]) -> str:
    """The report as text."""
    machine, speeds, ratios = report["machine"], report["tokens_per_s"], sorted(report["ratios"])
    lines = [f"{report['documents']:,} documents, {report['bytes']:,} bytes, {report['tokens']:,} tokens"]
    versions = ", ".join(f"{name} {machine[name]}" for name in ("python", "numpy", "tiktoken"))
    lines += [f"one core of {machine['processor']}, {versions}", ""]
    spread = f"the median of {len(ratios)} turn(s), {ratios[0]:.2f} to {ratios[-1]:.2f}"
    rows = [("nanoGPT, one document at a time", "nanogpt", "")]
    rows += [("ours", "ours", f", {report['ratio']:.2f} times: {spread}")]
    if report["ratio_whole"]:
        rows += [("ours, from a file to shards", "whole", f", {report['ratio_whole']:.2f} times")]
    lines += [f"{name:34}{speeds[key]:>12,} tokens/s{ratio}" for name, key, ratio in rows]
    return "\n".join(lines)


def main() -> int:
    """Runs the benchmark and returns the exit code."""
    parser = report_parser(__doc__)
    parser.add_argument("text", nargs="*", metavar="TEXT", help="files and folders; made up without any")
    parser.add_argument(
        "--document-bytes", type=int, default=DOCUMENT_BYTES, metavar="N",
        help=f"length that longer documents are cut to, 0 to leave them whole ({DOCUMENT_BYTES:,}, OpenWebText's mean)",
    )  # fmt: skip
    args = parser.parse_args()
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})  # one core, the same for both
    try:
        documents = read_documents(args.text, args.document_bytes) if args.text else None
        report = benchmark(documents or made_up_text(MOST_BYTES // 2, gpt2_tokenizer()))
    except UserError as error:
        print(error, file=sys.stderr)
        return 2
    hand_over(report, format_report(report), args.json)
    return 0


if __name__ == "__main__":
    sys.exit(main())
