"""Routes for what a service may have beside its pipeline: a kept risk model, mined signals."""

import asyncio
import json
from typing import Any

from fastapi import FastAPI
from fastapi.requests import Request
from fastapi.responses import Response

from clinnlp.core.errors import ArgumentError, DataError, PipeError, instead_of
from clinnlp.core.notes import Note
from clinnlp.service.batches import Read
from clinnlp.service.bodies import Body, unless_gone
from clinnlp.service.gate import too_large
from clinnlp.service.more_requests import (
    RiskAnswer,
    RiskIn,
    SignalAnswer,
    SignalsIn,
    event_of,
    patient_of,
)
from clinnlp.service.refusals import PARTS, Refused, parsed
from clinnlp.service.requests import FAULT, note_of
from clinnlp.service.responses import responses, takes
from clinnlp.service.shared import Service
from clinnlp.study.answering import Answerer

__all__ = ["add_more_routes"]

_RISK_PARTS = 50_000  # cases, events, notes and patients of a request together
_OTHER = (
    "cases, events, notes and patients must have the times, units and vocabularies of the "
    "training, and have not; card.json of the model lists them"
)


def add_more_routes(app: FastAPI, service: Service) -> None:
    """Add the routes of risks and signals."""

    @app.post(
        "/v1/score-risk",
        summary="Score cases with the kept risk model",
        responses=responses(RiskAnswer),
        openapi_extra=takes("RiskIn"),
    )
    async def score_risk(request: Request) -> Response:
        form = await _form(request, service, RiskIn, most=_RISK_PARTS)
        return await _within(request, service, _risks(form, service))

    @app.post(
        "/v1/signals",
        summary="Find the mined signals of drugs",
        responses=responses(SignalAnswer),
        openapi_extra=takes("SignalsIn"),
    )
    async def signals(request: Request) -> Response:
        form = await _form(request, service, SignalsIn)
        return await _within(request, service, _signals(form, service))


async def _form(request: Request, service: Service, kind: Any, *, most: int = PARTS) -> Any:
    settings = service.settings
    body = Body(request.receive, slow_s=settings.slow_s)
    raw = await body.whole(settings.body_bytes, too_large(settings))
    return parsed(kind, raw, most=most)


async def _within(request: Request, service: Service, work: Any) -> Response:
    answer = await unless_gone(
        request.receive,
        work,
        time_s=service.settings.time_s,
        retry_after=service.batches.retry_after,
    )
    raw = json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(raw, media_type="application/json")


async def _risks(form: RiskIn, service: Service) -> dict[str, Any]:
    answerer = service.models.current
    if answerer.risk is None:
        raise Refused(404, "this service has no risk model; see --risk-model")
    if form.risk_model not in (None, answerer.made_by.get("risk_model")):
        raise Refused(409, "the risk model must be the one that is named, got another")
    _check_sources(form, answerer)
    notes = None if form.notes is None else await _read(form, answerer, service)
    from clinnlp.study.risk_answers import risks_of

    events = None if form.events is None else [event_of(e, k) for k, e in enumerate(form.events)]
    patients = [patient_of(p, k) for k, p in enumerate(form.patients)]

    def score() -> dict[str, Any]:
        with instead_of((DataError, ArgumentError), Refused(422, _OTHER)):
            return risks_of(
                answerer.risk,  # type: ignore[arg-type]
                [(case.patient, case.index_time) for case in form.cases],
                events=events,
                notes=notes,
                patients=patients,
                n_reasons=form.n_reasons,
            )

    return {"made_by": dict(answerer.made_by), **await asyncio.to_thread(score)}


def _check_sources(form: RiskIn, answerer: Answerer) -> None:
    wanted = set(answerer.risk.card["rows"]["sources"])  # type: ignore[union-attr]
    given = {name for name in ("events", "notes") if getattr(form, name) is not None}
    if given != wanted:
        names = " and ".join(sorted(wanted))
        raise Refused(422, f"this model takes {names}, no more and no less; give empty lists")


async def _read(form: RiskIn, answerer: Answerer, service: Service) -> list[Note]:
    """Return the notes as the pipeline reads them."""
    settings = service.settings
    forms = form.notes or []
    if len(forms) > settings.request_notes:
        raise Refused(413, f"notes must be at most {settings.request_notes}, got {len(forms)}")
    notes = [note_of(one, k, note_chars=settings.note_chars) for k, one in enumerate(forms)]
    if not notes:
        return []
    read: Read = await service.batches.read(answerer, notes, lambda read: read)
    if any(isinstance(note, PipeError) for note in read.notes):
        raise Refused(500, f"{FAULT} on a note, and all are refused")
    return [note for note in read.notes if isinstance(note, Note)]


async def _signals(form: SignalsIn, service: Service) -> dict[str, Any]:
    answerer = service.models.current
    if answerer.signals is None:
        raise Refused(404, "this service has no signals; see --signals")
    found = await asyncio.to_thread(
        answerer.signals.find,
        form.drugs,
        form.outcomes,
        called_only=form.called_only,
        limit=form.limit,
    )
    return {"made_by": dict(answerer.made_by), "n_found": found[0], "signals": found[1]}
