"""Imports lxml and pypdf on first use, and says how to install them."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from gptdesk.errors import UserError


def document_library(module: str, what: str) -> Any:
    """A module of the extra ``documents``.

    Args:
        module: its name.
        what: is to be read, for the sentence.

    Raises:
        UserError: when it is not installed.
    """
    try:
        return import_module(module)
    except ImportError:
        package = module.split(".")[0]
        raise UserError(
            f'{what} needs {package}, which is not installed; pip install "gptdesk[documents]" brings it.'
        ) from None


def parse_xml(data: bytes, what: str) -> Any:
    """The root of a document of XML. No entity is expanded, no DTD loaded, nothing fetched.

    Raises:
        UserError: when lxml is missing.
        SyntaxError: when it is not well-formed, or nested or long beyond libxml2's limits.
    """
    etree = document_library("lxml.etree", what)
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)
    return etree.fromstring(data, parser)


def local(element: Any) -> str:
    """An element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
