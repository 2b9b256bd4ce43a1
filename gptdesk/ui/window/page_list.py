"""The list of pages: one line a page, in the order of the rail."""

from __future__ import annotations

from typing import Final

from gptdesk.ui.chat.page import ChatPage
from gptdesk.ui.compare.page import ComparePage
from gptdesk.ui.models.page import ModelsPage
from gptdesk.ui.playground.page import PlaygroundPage
from gptdesk.ui.train.page import TrainPage
from gptdesk.ui.window.pages import PageRegistry

PAGES: Final = PageRegistry(
    (
        PlaygroundPage,
        ChatPage,
        ModelsPage,
        ComparePage,
        TrainPage,
    )
)
