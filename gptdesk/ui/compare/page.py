"""The Compare page: two to four models, checkpoints or settings beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar, Final

from PySide6.QtCore import Slot

from gptdesk.ui.compare.columns.colouring import colouring_of
from gptdesk.ui.compare.commands import compare_commands
from gptdesk.ui.compare.files import CompareFiles
from gptdesk.ui.compare.session import CompareSession
from gptdesk.ui.services.page_messages import PageMessages
from gptdesk.ui.services.services import Services
from gptdesk.ui.window.commands.registry import Command
from gptdesk.ui.window.pages import BasePage, PageView, Window

if TYPE_CHECKING:
    from gptdesk.compare.prompt_text import Prompt
    from gptdesk.ui.compare.view import CompareView

_NOTICE: Final = "compare notice"
_FAILED: Final = "compare failed"
"""Topics of messages."""


class ComparePage(BasePage):
    """The page. Its session works before the view is made.

    Attributes:
        view: ``None`` until it is made.
        session: what is compared.
        files: prompts, exports.
    """

    id: ClassVar[str] = "compare"
    title: ClassVar[str] = "Compare"
    icon: ClassVar[str] = "compare"

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(services, window)
        self.view: CompareView | None = None
        self._messages = PageMessages(services.messages, self.id)
        service = services.comparisons
        self.session = CompareSession(service, services.settings, self)
        self.files = CompareFiles(service, self.session, services.settings, self._messages, window.widget)
        self.session.votes.refused.connect(self._messages.refuse)
        service.noticed.connect(lambda text: services.messages.show(text, kind="info", topic=_NOTICE, page=self.id))
        service.failed.connect(lambda text: self._messages.fail(text, _FAILED))
        self.session.began.connect(lambda: services.messages.solve(_NOTICE, _FAILED))
        window.links.comparison_wanted.connect(self.compare)

    def make_view(self) -> PageView:
        from gptdesk.ui.compare.bars import CompareBar, CompareStatus
        from gptdesk.ui.compare.view import CompareView

        services, window = self.services, self.window
        view = self.view = CompareView(services, self.session, window.commands)
        self.session.votes.read_tallies()
        return PageView(
            content=view,
            top_bar=CompareBar(services, window.menu, window.commands),
            status_bar=CompareStatus(services, self.session),
            regions=(view.prompt, view.texts, view.panel),
            focus=view.prompt.field.setFocus,
            message_area=view.main,
            buttons=(view.vote,),
            fold=view.parts.fold,
            columns=view.parts,
        )

    def commands(self) -> Sequence[Command]:
        def colours() -> str:
            return colouring_of(self.services.settings.value.comparison.get("colours")).id

        return compare_commands(self.services.comparisons, self.session, self.files, self._shown_view, colours)

    def set_shown(self, shown: bool) -> None:
        if shown:
            self.session.look_again()

    def close(self) -> None:
        self.session.close()
        self.services.comparisons.stop()

    @Slot(object, object)
    def compare(self, models: Sequence[str], prompt: Prompt) -> None:
        """Shows the page with these models, and that prompt if there is one."""
        self.session.set_models(models)
        if len(prompt):
            self.session.set_prompts([prompt], "")
        self.show()

    def _shown_view(self) -> CompareView | None:
        self.ensure_shown()
        return self.view
