"""A socket that listens."""

import socket
from contextlib import ExitStack

from clinnlp.core.errors import RunError, instead_of
from clinnlp.service.review_settings import ReviewSettings
from clinnlp.service.settings import ServeSettings

__all__ = ["BACKLOG", "listener_of"]

BACKLOG = 1024


def listener_of(settings: ServeSettings | ReviewSettings) -> socket.socket:
    """Return a socket that listens where the settings say.

    Raises
    ------
    RunError
        Another program has the port, or the address is none of this machine.
    """
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    where = f"{settings.host}, port {settings.port}"
    refusal = RunError(f"the service must listen on {where}, and may not; name another port")
    listener = socket.socket(family, socket.SOCK_STREAM)
    with instead_of(OSError, refusal), ExitStack() as otherwise:
        otherwise.callback(listener.close)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((settings.host, settings.port))
        listener.listen(BACKLOG)
        otherwise.pop_all()
    listener.setblocking(False)
    return listener
