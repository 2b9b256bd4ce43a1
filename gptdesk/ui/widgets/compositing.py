"""Whether windows can be partly transparent, so that popups can have a shadow."""

from __future__ import annotations

import functools

from PySide6.QtGui import QGuiApplication


def can_be_transparent() -> bool:
    """Whether the system blends windows with those below. False if that is unknown."""
    platform = QGuiApplication.platformName()
    return _x11_is_composited() if platform == "xcb" else platform in ("wayland", "windows", "cocoa", "offscreen")


@functools.cache
def _x11_is_composited() -> bool:
    """Whether a compositing manager owns its selection on the first screen (EWMH, "_NET_WM_CM_Sn")."""
    import ctypes.util

    try:
        x11 = ctypes.CDLL(ctypes.util.find_library("X11") or "libX11.so.6")
    except OSError:
        return False
    x11.XOpenDisplay.restype = ctypes.c_void_p
    x11.XOpenDisplay.argtypes = [ctypes.c_char_p]
    x11.XInternAtom.restype = ctypes.c_ulong
    x11.XInternAtom.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_int]
    x11.XGetSelectionOwner.restype = ctypes.c_ulong
    x11.XGetSelectionOwner.argtypes = [ctypes.c_void_p, ctypes.c_ulong]
    x11.XCloseDisplay.argtypes = [ctypes.c_void_p]
    display = x11.XOpenDisplay(None)
    if not display:
        return False
    try:
        return bool(x11.XGetSelectionOwner(display, x11.XInternAtom(display, b"_NET_WM_CM_S0", 0)))
    finally:
        x11.XCloseDisplay(display)
