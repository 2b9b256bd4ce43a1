"""Model folders whose tokenizers people have, made by ``transformers`` and ``tokenizers`` as people made theirs."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers

from gptdesk.gpt2.tokenizer_files import write_tokenizer

CORPUS = [
    "Es war einmal eine schöne Königstochter, die wohnte in einem großen Schloß und spielte an dem Brunnen. ",
    "Once upon a time there was a naïve café — “quoted”, 12,345 times. The cat didn't see dogs, they've gone!",
    "Съешь же ещё этих мягких французских булок, да выпей чаю. ",
    "東京は日本の首都です。吾輩は猫である。我能吞下玻璃而不伤身体。今天天气很好，我们去公园。",
    "한국어도 있다. 나는 유리를 먹을 수 있어요. ",
    "مرحبا بالعالم ١٢٣ שלום עולם नमस्ते दुनिया สวัสดีชาวโลก Γειά σου Κόσμε Բարեւ աշխարհ გამარჯობა ",
    "def f(x: int) -> str:\n    return f'{x:>10}'  # comment\n\n\tpass\n",
    "🙂 👩‍👩‍👧‍👦 ½² ",
]

NAMES = ("gpt2", "own", "pair", "added", "decoder", "word_pieces", "small", "unigram", "words", "characters")
"""The folders that `make_folder` makes."""


def make_folder(folder: Path, name: str) -> Path:
    """A model folder without weights; returns it."""
    folder.mkdir(parents=True, exist_ok=True)
    makers = {
        "gpt2": lambda: _openai(folder),
        "own": lambda: _save(_byte_level(600), folder, "PreTrainedTokenizerFast"),
        "pair": lambda: _pair(_byte_level(600), folder),
        "added": lambda: _added(folder),
        "decoder": lambda: _added_to_own(folder),
        "word_pieces": lambda: _word_pieces(folder),
        "small": lambda: _pair(_byte_level(283), folder),
        "unigram": lambda: _save(_unigram(), folder, "PreTrainedTokenizerFast"),
        "words": lambda: _save(_words(), folder, "PreTrainedTokenizerFast"),
        "characters": lambda: _save(_characters(), folder, "PreTrainedTokenizerFast"),
    }
    size = makers[name]()
    config: dict[str, Any] = {"model_type": "gpt2", "vocab_size": size}
    config |= {"n_positions": 64, "n_embd": 8, "n_layer": 1, "n_head": 1, "bos_token_id": 50256, "eos_token_id": 50256}
    write_json(folder / "config.json", config)
    return folder


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")


def _byte_level(size: int) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=["<|endoftext|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    return tokenizer


def _save(tokenizer: Tokenizer, folder: Path, kind: str) -> int:
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": kind})
    return tokenizer.get_vocab_size()


def _openai(folder: Path) -> int:
    write_tokenizer(folder)
    return 50257


def _pair(tokenizer: Tokenizer, folder: Path) -> int:
    """The two files that OpenAI published, and none that says what they are."""
    tokenizer.model.save(str(folder))
    return tokenizer.get_vocab_size()


def _added(folder: Path) -> int:
    """OpenAI's with two tokens more, as older versions of ``transformers`` saved them."""
    _openai(folder)
    (folder / "tokenizer.json").unlink()
    write_json(folder / "added_tokens.json", {"<|user|>": 50257, "<|bot|>": 50258, "gptdesk": 50259})
    names = {"eos_token": "<|endoftext|>", "additional_special_tokens": ["<|user|>", "<|bot|>"]}
    write_json(folder / "special_tokens_map.json", names)
    return 50260


def _added_to_own(folder: Path) -> int:
    """A byte-level BPE with added tokens, as ``transformers`` saves it now."""
    from transformers import PreTrainedTokenizerFast

    tokenizer = PreTrainedTokenizerFast(tokenizer_object=_byte_level(500), eos_token="<|endoftext|>")
    tokenizer.add_special_tokens({"pad_token": "<|pad|>", "additional_special_tokens": ["<|user|>"]})
    tokenizer.add_tokens(["Königstochter", "猫である"])
    tokenizer.save_pretrained(folder)
    return len(tokenizer)


def _word_pieces(folder: Path) -> int:
    """What Chinese GPT-2s have: BERT's vocabulary."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    trainer = trainers.WordPieceTrainer(vocab_size=500, special_tokens=special, show_progress=False)
    tokenizer.train_from_iterator(CORPUS * 3, trainer)
    tokens = sorted(tokenizer.get_vocab().items(), key=lambda item: item[1])
    (folder / "vocab.txt").write_text("".join(f"{token}\n" for token, _ in tokens), encoding="utf-8")
    write_json(folder / "tokenizer_config.json", {"tokenizer_class": "BertTokenizer", "do_lower_case": False})
    return len(tokens)


def _unigram() -> Tokenizer:
    """SentencePiece's kind, with bytes for what the vocabulary lacks."""
    pieces = [("<unk>", 0.0), *((f"<0x{byte:02X}>", -20.0) for byte in range(256))]
    characters = sorted(set("".join(CORPUS)) - {" "})[:120]
    pieces += [("▁", -2.0), *((c, -5.0 - i / 100) for i, c in enumerate(characters)), ("▁the", -3.0), ("▁Es", -3.5)]
    tokenizer = Tokenizer(models.Unigram(pieces, unk_id=0, byte_fallback=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    steps = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    tokenizer.decoder = decoders.Sequence(steps)
    return tokenizer


def _words() -> Tokenizer:
    words = sorted({word for line in CORPUS for word in line.split()})
    tokenizer = Tokenizer(models.WordLevel({word: id for id, word in enumerate(["[UNK]", *words])}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    return tokenizer


def _characters() -> Tokenizer:
    """One token a character, as nanoGPT's shakespeare_char."""
    characters = sorted(set("".join(CORPUS)))
    tokenizer = Tokenizer(models.BPE({character: id for id, character in enumerate(characters)}, []))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer
