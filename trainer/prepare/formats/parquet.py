"""Parquet, one row group at a time."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from trainer.prepare.broken import names_in_short
from trainer.prepare.formats.columns import guess_column, no_column
from trainer.prepare.formats.input import DAMAGED, NOT_UTF8, Document, Input, Unreadable
from trainer.prepare.formats.rows import from_value
from trainer.prepare.records import DEFAULT_COLUMN
from trainer.prepare.text.arrow import arrow

_ROWS: Final = 256
"""Rows decoded at once."""

_SAMPLED_ROWS: Final = 200


def read(source: Input, start: int, end: int) -> Iterator[Document]:
    """The documents of row groups ``start`` to ``end``; of a member of an archive those of all.

    Raises:
        Unreadable: when it has no column of text, or is damaged; what comes before is yielded.
    """
    with opened(source) as (pyarrow, file):
        names = text_columns(pyarrow, file, source)
        groups = range(start, end) if source.path else range(file.num_row_groups)
        for group in groups:
            before = 0
            for batch in file.iter_batches(_ROWS, row_groups=[group], columns=names, use_threads=False):
                if len(names) == 1 and not _is_nested(pyarrow, batch.schema.field(names[0])):
                    yield from _texts_of(source, pyarrow, batch.column(names[0]), group, before)
                else:
                    yield from _records(source, batch, group, before)
                before += batch.num_rows
                part = before / file.metadata.row_group(group).num_rows
                source.share = (group - groups.start + part) / len(groups)


def weights(source: Input) -> list[int]:
    """Bytes of text in each row group.

    Raises:
        Unreadable: when it has no column of text, has no rows, or is damaged.
    """
    with opened(source) as (pyarrow, file):
        names, metadata = text_columns(pyarrow, file, source), file.metadata
        if not metadata.num_rows:
            raise Unreadable("is empty")
        groups = [metadata.row_group(group) for group in range(metadata.num_row_groups)]
        return [sum(column.total_uncompressed_size for column in _columns(group, names)) for group in groups]


def _columns(row_group: Any, names: Sequence[str]) -> Iterator[Any]:
    for i in range(row_group.num_columns):
        path = row_group.column(i).path_in_schema
        if path in names or path.startswith(tuple(f"{name}." for name in names)):
            yield row_group.column(i)


@contextmanager
def opened(source: Input) -> Iterator[tuple[Any, Any]]:
    """pyarrow and the open file.

    Raises:
        Unreadable: when it is damaged.
        UserError: when pyarrow is missing.
    """
    pyarrow, parquet = arrow(f"Parquet ({source.name})")
    try:
        where = source.path or io.BytesIO(source.whole())
        with parquet.ParquetFile(where, page_checksum_verification=True) as file:
            yield pyarrow, file
    except (OSError, pyarrow.ArrowException, UnicodeDecodeError) as error:  # the last: names of columns
        if isinstance(error, OSError) and error.errno:  # the system's; pyarrow's own say that the contents are wrong
            raise
        raise Unreadable(DAMAGED) from None


def text_columns(pyarrow: Any, file: Any, source: Input) -> list[str]:
    """The columns that hold a document: those of a record, or the text; a guessed one is noted in the account.

    Raises:
        Unreadable: when there are none.
    """
    column, texts = source.settings.column, _texts(pyarrow, file.schema_arrow)
    nested = [field.name for field in file.schema_arrow if _is_nested(pyarrow, field)]
    if fields := source.settings.records.fields([*texts, *nested]):
        return list(fields)
    guessed = guess_column(_sample(pyarrow, file, texts)) if column == DEFAULT_COLUMN else None
    if guessed is None:
        raise Unreadable(_reason(column, texts, file.schema_arrow.names))
    source.account.column = guessed
    return [guessed]


def _reason(column: str, texts: Sequence[str], names: Sequence[str]) -> str:
    if texts:
        return no_column(column, texts)
    return f'has no column "{column}" of text, nor any other; its columns are {names_in_short(names)}'


def _texts(pyarrow: Any, schema: Any) -> list[str]:
    types = pyarrow.types
    kinds = (types.is_string, types.is_large_string, types.is_string_view, types.is_binary, types.is_large_binary)
    texts = []
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if any(is_kind(kind) for is_kind in kinds):
            texts.append(field.name)
    return texts


def _sample(pyarrow: Any, file: Any, names: list[str]) -> dict[str, list[str]]:
    """The first values of these columns."""
    batch = next(file.iter_batches(_SAMPLED_ROWS, columns=names, use_threads=False), None) if names else None
    if batch is None:
        return {}
    values = {name: _as_bytes(pyarrow, batch.column(name)).to_pylist() for name in names}
    return {name: [value.decode(errors="replace") for value in column if value] for name, column in values.items()}


def _is_nested(pyarrow: Any, field: Any) -> bool:
    types = pyarrow.types
    return any(is_kind(field.type) for is_kind in (types.is_list, types.is_large_list, types.is_fixed_size_list))


def _texts_of(source: Input, pyarrow: Any, column: Any, group: int, before: int) -> Iterator[Document]:
    for row, text in enumerate(_as_bytes(pyarrow, column).to_pylist()):
        where = f"row group {group}, row {before + row}"
        if text is None:
            source.note("a row without text", where)
            continue
        try:
            text.decode()
        except UnicodeDecodeError:
            source.note(NOT_UTF8, where, len(text))
            continue
        if text:
            yield (text,)


def _records(source: Input, batch: Any, group: int, before: int) -> Iterator[Document]:
    for row in range(batch.num_rows):
        where = f"row group {group}, row {before + row}"
        try:
            values = {name: batch.column(name)[row].as_py() for name in batch.schema.names}
            values = {name: value.decode() if isinstance(value, bytes) else value for name, value in values.items()}
        except UnicodeDecodeError:
            source.note(NOT_UTF8, where)
            continue
        yield from from_value(source, values, where)


def _as_bytes(pyarrow: Any, column: Any) -> Any:
    if pyarrow.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return column.cast(pyarrow.large_binary())
