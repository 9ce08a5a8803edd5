"""The routes of teaching: learn now, how far it is, end, go on, use, roll back."""

from collections.abc import Callable
from functools import partial

from starlette.routing import Route

from clinnlp.review.database import Connection
from clinnlp.review.forms import Json
from clinnlp.review.projects import Project
from clinnlp.review.runs import Run, add_run, find_run, resume_run, roll_back, runs_of, use_run
from clinnlp.service.refusals import Refused
from clinnlp.service.review_calls import Answer, Call, Needs, Review, route
from clinnlp.service.review_requests import Empty
from clinnlp.study.review_learn import check_learnable, run_folder

__all__ = ["learning_routes"]

_OWNER = Needs("owner")
_RUNS = "/api/projects/{project:int}/runs"


def learning_routes(review: Review) -> list[Route]:
    """Return the routes of teaching."""
    made = partial(route, review)
    return [
        made("POST", "/api/projects/{project:int}/learn", _OWNER, _learn),
        made("GET", _RUNS, _OWNER, _runs),
        made("GET", _RUNS + "/{run:int}", _OWNER, _run),
        *(
            made("POST", f"{_RUNS}/{{run:int}}/{word}", _OWNER, partial(_change, change))
            for word, change in _CHANGES.items()
        ),
    ]


def _learn(call: Call) -> Answer:
    call.body(Empty)
    with call.database.reading() as connection:
        project = call.project(connection)
    check_learnable(call.database, project)
    call.review.teacher.settle(project.id)
    with call.database.writing() as connection:
        run = add_run(connection, project)
    call.review.teacher.start(run.id)
    return Answer({"run": run.id}, 202)


def _runs(call: Call) -> Json:
    with call.database.reading() as connection:
        project = call.project(connection)
    call.review.teacher.settle(project.id)
    with call.database.reading() as connection:
        return {"items": [call.review.teacher.shown(r) for r in runs_of(connection, project.id)]}


def _run(call: Call) -> Json:
    return call.review.teacher.shown(_found(call)[1])


def _change(change: Callable[[Call, Project, Run], None], call: Call) -> Json:
    call.body(Empty)
    project, run = _found(call)
    change(call, project, run)
    return _run(call)


def _found(call: Call) -> tuple[Project, Run]:
    with call.database.reading() as connection:
        project = call.project(connection)
    call.review.teacher.settle(project.id)
    with call.database.reading() as connection:
        return project, _run_of(call, connection, project)


def _run_of(call: Call, connection: Connection, project: Project) -> Run:
    run = find_run(connection, call.numbers["run"])
    if run is None or run.project != project.id:
        raise Refused(404, "no such run")
    return run


def _cancel(call: Call, _: Project, run: Run) -> None:
    call.review.teacher.cancel(run.id)


def _resume(call: Call, project: Project, run: Run) -> None:
    with call.database.writing() as connection:
        resume_run(connection, _run_of(call, connection, project))
    call.review.teacher.start(run.id)


def _use(call: Call, project: Project, run: Run) -> None:
    folder = str(run_folder(call.database, run.id))
    with call.database.writing() as connection:
        now = _run_of(call, connection, project)
        use_run(connection, project, now, model=now.result.get("model", ""), folder=folder)


def _roll_back(call: Call, project: Project, _: Run) -> None:
    with call.database.writing() as connection:
        roll_back(connection, project, _run_of(call, connection, project))


_CHANGES: dict[str, Callable[[Call, Project, Run], None]] = {
    "cancel": _cancel,
    "resume": _resume,
    "use": _use,
    "rollback": _roll_back,
}
