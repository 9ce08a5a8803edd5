"""The routes of judging rules: their sentences, verdicts, and mentions that are none."""

from dataclasses import replace
from functools import partial

from starlette.routing import Route

from clinnlp.core.verdicts import VERDICTS
from clinnlp.review.forms import Json
from clinnlp.review.projects import Project
from clinnlp.review.verdicts import add_correction, add_verdict, rule_id, state_of, verdicts_of
from clinnlp.service.refusals import Refused
from clinnlp.service.review_calls import Call, Needs, Review, route
from clinnlp.service.review_requests import Verdict, Wrong
from clinnlp.study.review_rules import COLUMNS_SHOWN, RuleStudy, counts_of, mined_rules

__all__ = ["rules_routes"]

_OWNER = Needs("owner")
_READER = Needs("owner", text=True)
_RULES = "/api/projects/{project:int}/rules"
_MOST = 500  # rules of an answer
_BODY = 1 << 16  # bytes


def rules_routes(review: Review) -> list[Route]:
    """Return the routes of judging rules."""
    made = partial(route, review, most=_BODY)
    return [
        made("GET", _RULES, _OWNER, _rules),
        made("GET", _RULES + "/{rule}", _READER, _rule),
        made("POST", _RULES + "/{rule}/verdict", _OWNER, _verdict),
        made("POST", _RULES + "/{rule}/wrong", _READER, _wrong),
    ]


def _rules(call: Call) -> Json:
    study = _study(call, _project(call))
    kept = study.kept()
    return {
        "columns": ["antecedents", "consequents", *COLUMNS_SHOWN],
        "rows": [_row(study, i) for i in kept[:_MOST]],
        "n_rules": len(study.rules),
        "n_suppressed": len(study.rules) - len(kept),
        "m": study.rules.m,
        "alpha": study.rules.alpha,
        "unit": study.rules.baskets.unit,
        "verdicts": VERDICTS,
    }


def _rule(call: Call) -> Json:
    study = _study(call, _project(call))
    i = _place(call, study)
    return {**_row(study, i), "sentences": [one._asdict() for one in study.sentences(i)]}


def _verdict(call: Call) -> Json:
    asked, project = call.body(Verdict), _project(call)
    study = _study(call, project)
    sides = study.sides(_place(call, study))
    with call.database.writing() as connection:
        version = add_verdict(
            connection,
            project,
            call.user,
            sides,
            asked.verdict,
            version=asked.version,
            comment=asked.comment,
            item=asked.item,
        )
    return {"version": version}


def _wrong(call: Call) -> Json:
    """Take a mention away, and say what the rule was before and is after it."""
    asked, project = call.body(Wrong), _project(call)
    study, rule = _study(call, project), call.words["rule"]
    note = study.notes.get(asked.note)
    place = (asked.start, asked.end, asked.label)
    there = () if note is None else note.entities
    if place not in {(one.span.start, one.span.end, one.label) for one in there}:
        raise Refused(404, "no such mention")
    with call.database.writing() as connection:
        add_correction(connection, project, call.user, rule=rule, **asked.model_dump())
    after = _study(call, project)
    return {
        "before": counts_of(study, rule),
        "after": counts_of(after, rule),
        "n_rules_before": len(study.rules),
        "n_rules_after": len(after.rules),
    }


def _project(call: Call) -> Project:
    with call.database.reading() as connection:
        return call.project(connection)


def _place(call: Call, study: RuleStudy) -> int:
    i = study.place(call.words["rule"])
    if i is None:
        raise Refused(404, "no such rule")
    return i


def _study(call: Call, project: Project) -> RuleStudy:
    """Return what is mined now; it is mined anew where a judgement has come."""
    with call.database.reading() as connection:
        key, verdicts = state_of(connection, project), verdicts_of(connection, project)
    known = call.review.studies.get(project.id)
    if known is None or known[0] != key:
        known = call.review.studies[project.id] = (key, mined_rules(call.database, project))
    return replace(known[1], verdicts=verdicts)


def _row(study: RuleStudy, i: int) -> Json:
    antecedents, consequents = sides = study.sides(i)
    verdict = study.verdicts.get(rule_id(sides))
    values = [study.rules[name][i].item() for name in COLUMNS_SHOWN]
    called = study.rules.baskets.called
    return {
        "rule": rule_id(sides),
        "antecedents": antecedents,
        "consequents": consequents,
        "values": [
            ", ".join(map(called, antecedents)), ", ".join(map(called, consequents)), *values
        ],
        "verdict": None if verdict is None else verdict.verdict,
        "item": None if verdict is None else verdict.item,
        "comment": "" if verdict is None else verdict.comment,
        "version": 0 if verdict is None else verdict.version,
    }  # fmt: skip
