"""The routes as one application, behind the gate; what they refuse is told in one form."""

from typing import Any

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.requests import Request
from fastapi.responses import Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from clinnlp.service.gate import Gate
from clinnlp.service.keys import Keys
from clinnlp.service.more_routes import add_more_routes
from clinnlp.service.refusals import Refused, body_of
from clinnlp.service.routes import add_routes
from clinnlp.service.shared import Service

__all__ = ["application", "gated"]


def gated(service: Service, keys: Keys | None = None) -> Gate:
    """Return the application that a server runs; without keys, whoever reaches it may ask."""
    return Gate(application(service), service=service, keys=keys)


def application(service: Service) -> FastAPI:
    """Return the routes as an application; what they refuse is told in one form."""
    app = FastAPI(
        title="clinnlp",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,  # it would name the host as it is seen from here
        generate_unique_id_function=_name,
    )
    add_routes(app, service)
    add_more_routes(app, service)
    handlers: dict[type[Exception], Any] = {
        HTTPException: _of_http,
        RequestValidationError: _of_form,
        Refused: _of_ours,
        Exception: _of_all,
    }
    for kind, handler in handlers.items():
        app.add_exception_handler(kind, handler)
    return app


def _name(route: APIRoute) -> str:
    """Return what a generated client calls a route: ``extract``, ``score_risk``."""
    return route.name


async def _of_http(_: Request, error: HTTPException) -> Response:
    said = {404: "no such path, see /docs", 405: "no such method here, see /docs"}
    sentence = said.get(error.status_code, "the request is not understood")
    answer = _told(Refused(error.status_code, sentence))
    answer.headers.update(error.headers or {})  # of 405: what is allowed
    return answer


async def _of_form(_: Request, __: RequestValidationError) -> Response:
    return _told(Refused(422, "the request must be as /openapi.json says, got another form"))


async def _of_ours(_: Request, error: Refused) -> Response:
    return _told(error)


async def _of_all(_: Request, __: Exception) -> Response:
    return _told(Refused(500, "the service failed, and has logged where"))


def _told(refused: Refused) -> Response:
    headers = refused.headers | ({"Connection": "close"} if refused.status == 408 else {})
    return Response(
        body_of(refused), refused.status, headers=headers, media_type="application/json"
    )
