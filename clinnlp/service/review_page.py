"""The page of the review server: a few files of this package, read once, and nothing else.

A path is looked up among the names of these files and is never made into a path of the disk.
"""

import hashlib
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from clinnlp.service.refusals import Refused

__all__ = ["Page", "page_files"]

_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_INDEX = "index.html"


class _File(NamedTuple):
    kind: str
    body: bytes
    tag: str


def page_files(folder: Path | None = None) -> dict[str, _File]:
    """Return the files of the page, by their path below the folder."""
    base = folder or Path(str(resources.files("clinnlp"))) / "service" / "page"
    found = {}
    for path in sorted(base.rglob("*")):
        if path.suffix in _TYPES and path.is_file():
            body = path.read_bytes()
            tag = f'"{hashlib.sha256(body).hexdigest()[:32]}"'
            found[path.relative_to(base).as_posix()] = _File(_TYPES[path.suffix], body, tag)
    return found


class Page:
    """Answers with files of the page.

    Parameters
    ----------
    files : dict
        Of `page_files`.
    """

    def __init__(self, files: dict[str, _File]) -> None:
        self._files = files

    async def index(self, request: Request) -> Response:
        """Answer with the page."""
        return self._answer(request, _INDEX)

    async def static(self, request: Request) -> Response:
        """Answer with a file that the page names."""
        return self._answer(request, request.path_params["name"])

    def _answer(self, request: Request, name: str) -> Response:
        file = self._files.get(name)
        if file is None:
            raise Refused(404, "no such page")
        headers = {"ETag": file.tag, "Cache-Control": "no-cache"}
        if request.headers.get("if-none-match") == file.tag:
            return Response(status_code=304, headers=headers)
        return Response(file.body, headers=headers, media_type=file.kind)
