"""The routes: each reads its form, asks the study rooms, and answers in the form it names."""

import json
from collections.abc import Callable
from functools import cache
from typing import Any

from fastapi import FastAPI
from fastapi.requests import Request
from fastapi.responses import HTMLResponse, Response

from clinnlp.core.errors import DataError, PipeError
from clinnlp.core.notes import Note
from clinnlp.io.notes.fhir_write import fhir_bundle
from clinnlp.service.accept import form_of
from clinnlp.service.batches import Read
from clinnlp.service.bodies import Body, unless_gone
from clinnlp.service.described import docs_page, openapi
from clinnlp.service.gate import too_large
from clinnlp.service.refusals import PARTS, Refused, parsed
from clinnlp.service.requests import (
    FAULT,
    OFFSETS,
    Answer,
    ExtractIn,
    Refusal,
    StreamLine,
    coverage_of,
    note_of,
    record_of,
)
from clinnlp.service.responses import responses, takes
from clinnlp.service.shared import Service
from clinnlp.service.streams import STREAM_TYPE, NoteStream

__all__ = ["add_routes"]

JSON_TYPE = "application/json"
FHIR_TYPE = "application/fhir+json"
_OF_FHIR = ("language", "model", "vocabulary", "cues")  # what is told of a run in FHIR


def add_routes(app: FastAPI, service: Service) -> None:
    """Add all routes."""
    _add_pages(app, service)

    @app.post(
        "/v1/extract",
        summary="Extract mentions from notes",
        responses=responses(Answer, also=FHIR_TYPE),
        openapi_extra=takes("ExtractIn"),
    )
    async def extract(request: Request) -> Response:
        return await _extract(request, service)

    @app.post(
        "/v1/extract:stream",
        summary="Extract mentions from lines, one note each (NoteIn); answers come in their order",
        description="Read while you send: who does not read is not read from either.",
        responses=responses(StreamLine, kind=STREAM_TYPE),
        openapi_extra=takes("NoteIn", STREAM_TYPE),
    )
    async def extract_stream(request: Request) -> Response:
        service.models.current  # noqa: B018  (refuses while there is none)
        return NoteStream(request, service)


def _add_pages(app: FastAPI, service: Service) -> None:
    @app.get("/healthz", summary="Whether the process runs")
    async def healthz() -> dict[str, str]:
        return {"status": "ok"}

    @app.get(
        "/readyz",
        summary="Whether it answers: a model has read a sentence, and no one ends the service",
        responses={503: {"model": Refusal}},
    )
    async def readyz() -> dict[str, str]:
        if not service.is_ready:
            raise Refused(503, "the service is starting or ending", retry_after=2)
        return {"status": "ready"}

    @app.get("/metrics", summary="Numbers for Prometheus", response_class=Response)
    async def metrics() -> Response:
        return Response(service.numbers(), media_type="text/plain; version=0.0.4; charset=utf-8")

    @app.get("/openapi.json", include_in_schema=False)
    async def described() -> Response:
        return Response(_pages(app)[0], media_type="application/json")

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(_pages(app)[1])


@cache
def _pages(app: FastAPI) -> tuple[str, str]:
    """Return /openapi.json and /docs, made once."""
    said = openapi(app)
    return json.dumps(said), docs_page(said)


async def _extract(request: Request, service: Service) -> Response:
    settings = service.settings
    refusal = too_large(settings)
    body = Body(request.receive, slow_s=settings.slow_s)
    kind = form_of(", ".join(request.headers.getlist("accept")), (JSON_TYPE, FHIR_TYPE))
    if kind is None:
        raise Refused(406, f"Accept must allow {JSON_TYPE} or {FHIR_TYPE}, and allows another type")
    raw = await body.whole(settings.body_bytes, refusal)
    form = parsed(ExtractIn, raw, most=settings.request_notes + PARTS)
    if len(form.notes) > settings.request_notes:
        raise Refused(413, f"notes must be at most {settings.request_notes}, got {len(form.notes)}")
    notes = [note_of(one, k, note_chars=settings.note_chars) for k, one in enumerate(form.notes)]
    is_fhir = kind == FHIR_TYPE
    if is_fhir and len({note.id for note in notes}) < len(notes):
        raise Refused(422, "ids of notes must differ for a bundle of FHIR, got one again")
    answerer = service.models.current
    if form.model is not None and form.model != answerer.made_by.get("model"):
        raise Refused(409, "the model that answers must be the one that is named, got another")
    finish = _finisher(form, service, is_fhir=is_fhir)
    made: bytes = await unless_gone(
        request.receive,
        service.batches.read(answerer, notes, finish),
        time_s=settings.time_s,
        retry_after=service.batches.retry_after,
    )
    return Response(made, media_type=kind)


def _finisher(form: ExtractIn, service: Service, *, is_fhir: bool) -> Callable[[Read], bytes]:
    """Return what makes the answer of the notes that were read."""

    def finish(read: Read) -> bytes:
        notes = [note for note in read.notes if isinstance(note, Note)]
        failed = [
            {"position": k, "error": FAULT}
            for k, note in enumerate(read.notes)
            if isinstance(note, PipeError)
        ]
        service.metrics.notes.inc(len(notes))
        service.metrics.failed.inc(len(failed))
        service.metrics.mentions.inc(sum(len(note.entities) for note in notes))
        if failed and (is_fhir or form.on_error == "raise"):
            where = failed[0]["position"]
            raise Refused(500, f"{FAULT} on notes[{where}], and all are refused")
        return _bundle(read, notes) if is_fhir else _answer(read, notes, failed, texts=form.texts)

    return finish


def _answer(read: Read, notes: list[Note], failed: list[dict[str, Any]], *, texts: bool) -> bytes:
    answer = {
        "made_by": dict(read.answerer.made_by),
        "offsets": OFFSETS,
        "coverage": coverage_of(notes),
        "notes": [record_of(note, texts=texts) for note in notes],
        "failed": failed,
    }
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def _bundle(read: Read, notes: list[Note]) -> bytes:
    made_by = {name: read.answerer.made_by.get(name, "") for name in _OF_FHIR}
    try:
        return fhir_bundle(notes, made_by={name: value for name, value in made_by.items() if value})
    except DataError:
        pass
    raise Refused(
        422,
        "text and names must be free of NUL, and times in UTC of the years 1 to 9999, for a bundle "
        "of FHIR, and one is not",
    )
