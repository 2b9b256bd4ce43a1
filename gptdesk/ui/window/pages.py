"""Pages of the window: what a page provides, what it may ask of the window, and the registry that lists them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import ClassVar, Protocol

import msgspec
from PySide6.QtCore import QObject, Signal, Slot
from PySide6.QtWidgets import QMenu, QWidget

from gptdesk.ui.services.services import Services
from gptdesk.ui.widgets.layout.panel_fold import PanelFold
from gptdesk.ui.window.commands.registry import Command, Commands


class PageLinks(QObject):
    """Requests that one page makes and another one serves, so that pages need not know each other.

    Attributes:
        current_text: returns the text of the open document.
        model_pages: ids of pages that use the model: choosing one there stays there.
        document_page: id of the page that showed a document last; "" before one did.

    Signals:
        document_wanted(str): open the document of that id in the Playground.
        chat_wanted(str): open the document of that id on the Chat page.
        chat_model_wanted(str): use the model of that name, or in that folder, on the Chat page.
        document_claimed(str, str): the page of that id shows, and may change, the document of that id.
        comparison_wanted(object, object): show the Compare page with models or checkpoints, a sequence of names or
            folders (one: beside another one), and a prompt, text or `MixedText`; "" keeps the one that is there.
        model_wanted(str): use the model of that name, or in that folder, in the Playground.
        inspection_wanted(str): use the model in that folder in the Playground, and show the Inspect pane.
        models_wanted(): show the models, for instance to download one.
        run_wanted(object): show the training run in that folder, a `Path`.
        follow_wanted(object): load each newest checkpoint of the run in that folder, a `Path`, on the page that showed
            a document last.
        unfollow_wanted(object): stop following the run in that folder, a `Path`, on every page.
    """

    document_wanted = Signal(str)
    chat_wanted = Signal(str)
    chat_model_wanted = Signal(str)
    document_claimed = Signal(str, str)
    comparison_wanted = Signal(object, object)
    model_wanted = Signal(str)
    inspection_wanted = Signal(str)
    models_wanted = Signal()
    run_wanted = Signal(object)
    follow_wanted = Signal(object)
    unfollow_wanted = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.current_text: Callable[[], str] = lambda: ""
        self.model_pages: set[str] = set()
        self.document_page = ""


class Window(Protocol):
    """The window as pages see it. Messages and crash reports go through `Services.messages`."""

    @property
    def widget(self) -> QWidget:
        """The window itself, as the parent of dialogs."""

    @property
    def menu(self) -> QMenu:
        """The main menu, for the page's top bar."""

    @property
    def commands(self) -> Commands:
        """The commands of all pages and of the window."""

    @property
    def links(self) -> PageLinks:
        """Requests to other pages."""

    @property
    def top_bars(self) -> QWidget:
        """The parent of top bars; see `contents`."""

    @property
    def contents(self) -> QWidget:
        """The parent of what pages show between the bars.

        A large view is made in it, after its top bar was made in `top_bars`, which the focus comes to before. Views may
        have no parent until they are made, but Qt then styles all their widgets a second time.
        """

    @property
    def current_page(self) -> str:
        """The id of the page that is shown."""

    def show_page(self, id: str) -> None:
        """Shows the page of that id."""

    def set_title(self, page: str, title: str) -> None:
        """Sets what the window's title says while that page is shown; "" for the page's own title."""

    def bring_to_front(self) -> None:
        """Raises the window."""

    def leave(self) -> None:
        """Closes the window without asking."""


class Columns(Protocol):
    """Columns of a view, whose widths are kept."""

    @property
    def borders(self) -> str:
        """The widths that the person chose; "" for the usual ones."""

    def set_borders(self, borders: object) -> None:
        """Restores ``borders``; a value that cannot be read changes nothing."""


class PageView(msgspec.Struct, frozen=True, kw_only=True):
    """The widgets of a page.

    Attributes:
        content: fills the window between the bars.
        top_bar: above the content, `page_bars.TOP_HEIGHT` high.
        status_bar: below it, `page_bars.STATUS_HEIGHT` high.
        regions: parts of the content that F6 visits, in order.
        focus: sets the focus when the page is shown.
        message_area: widget that banners float over; the content by default.
        buttons: bars of buttons in the lower part of the content, from the lowest on, which toasts do not cover.
        messages_at_top: whether banners are at the top of that area, instead of at the bottom.
        give_way: gets the height of that area's top that a banner covers, in pixels, whenever it changes.
        fold: hides and shows the right panel.
        columns: their widths are kept.
    """

    content: QWidget
    top_bar: QWidget
    status_bar: QWidget
    regions: Sequence[QWidget] = ()
    focus: Callable[[], object] | None = None
    message_area: QWidget | None = None
    messages_at_top: bool = False
    give_way: Callable[[int], object] | None = None
    buttons: Sequence[QWidget] = ()
    fold: PanelFold | None = None
    columns: Columns | None = None


class Page(Protocol):
    """One page. It is made with the window and cheap; its view is made when it is first shown.

    Attributes:
        id: stored in the settings.
        title: in the rail, the menu and the command palette.
        icon: name of a file in ``resources/icons``.
        is_slow: whether the window is painted before the view is made, because that takes long.
    """

    id: ClassVar[str]
    title: ClassVar[str]
    icon: ClassVar[str]
    is_slow: ClassVar[bool]

    def __init__(self, services: Services, window: Window) -> None: ...

    def make_view(self) -> PageView:
        """Makes the widgets. Called once."""

    def commands(self) -> Sequence[Command]:
        """The page's commands; they work before the view is made."""

    def set_shown(self, shown: bool) -> None:
        """Called when the page is shown or left."""

    def preload(self) -> None:
        """Called when the pointer or the keyboard comes to the page's button: may import modules for the view in the
        background.
        """

    def accepts(self, path: Path) -> bool:
        """Whether the page opens that file or folder, which the desktop or the command line gave."""

    def open_files(self, paths: Sequence[Path]) -> None:
        """Opens files that it accepts, and shows itself."""

    def may_close(self) -> bool:
        """Whether the window may close now. If not, the page asks the person and calls `Window.leave` later."""

    def close(self) -> None:
        """Called when the window closes: saves data and ends work."""


class BasePage(QObject):
    """Base of pages: no commands, no background work. Subclasses define `Page.make_view`."""

    id: ClassVar[str]
    is_slow: ClassVar[bool] = False

    def __init__(self, services: Services, window: Window) -> None:
        super().__init__(window.widget)
        self.services, self.window = services, window

    @Slot()
    def show(self) -> None:
        """Shows the page, and gives the focus to its view."""
        self.window.show_page(self.id)

    def ensure_shown(self) -> None:
        """Shows the page if another one is shown; else the focus stays where it is."""
        if self.window.current_page != self.id:
            self.show()

    def commands(self) -> Sequence[Command]:
        return ()

    def set_shown(self, shown: bool) -> None:
        pass

    def preload(self) -> None:
        pass

    def accepts(self, path: Path) -> bool:
        return False

    def open_files(self, paths: Sequence[Path]) -> None:
        raise NotImplementedError

    def may_close(self) -> bool:
        return True

    def close(self) -> None:
        pass


class PageRegistry:
    """The pages of the window, in the order of the rail.

    Raises:
        ValueError: for no page, or two pages of one id.
    """

    def __init__(self, kinds: Sequence[type[Page]]) -> None:
        self._kinds = {kind.id: kind for kind in kinds}
        if not kinds or len(self._kinds) != len(kinds):
            raise ValueError("a registry needs pages with different ids")

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(self._kinds)

    @property
    def first(self) -> str:
        """The id of the page that is shown when no other is known."""
        return self.ids[0]

    def __iter__(self) -> Iterator[type[Page]]:
        return iter(self._kinds.values())

    def resolve(self, id: str) -> str:
        """Returns ``id`` if it is that of a page, else the id of the first page."""
        return id if id in self._kinds else self.first
