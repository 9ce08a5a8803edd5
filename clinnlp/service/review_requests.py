"""What a request to the review server may hold."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

__all__ = ["Credentials", "Empty", "Judgements", "Released", "Sought", "Verdict", "Wrong"]

Id = Annotated[str, StringConstraints(max_length=1000)]
NewId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9._:-]{1,64}$")]
Offset = Annotated[int, Field(ge=0, lt=2**31)]
Words = Annotated[str, StringConstraints(max_length=20_000)]
Value = str | int | float | bool | None


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


class Empty(_Form):
    """Nothing."""


class Credentials(_Form):
    """A name and its password."""

    user: Annotated[str, StringConstraints(max_length=200)]
    password: Annotated[str, StringConstraints(max_length=1000)]


class _About(_Form):
    do: Literal["accept", "reject", "undo_judgement"]
    mention: Id


class _Said(_Form):
    parts: list[Annotated[list[Offset], Field(min_length=2, max_length=2)]] | None = None
    axes: dict[Id, bool | None] | None = None
    attributes: dict[Id, Value] | None = None
    concepts: list[Id] | None = None


class _Add(_Said):
    do: Literal["add"]
    id: NewId
    start: Offset
    end: Offset
    label: Id


class _Change(_Said):
    do: Literal["change"]
    mention: Id
    start: Offset | None = None
    end: Offset | None = None
    label: Id | None = None


class _Relate(_Form):
    do: Literal["relate"]
    id: Id
    label: Id
    roles: dict[Id, list[Id]]


class _Unrelate(_Form):
    do: Literal["unrelate"]
    relation: Id


class _Labels(_Form):
    do: Literal["note_labels"]
    labels: list[Id]


class _Comment(_Form):
    do: Literal["comment"]
    text: Words


class _State(_Form):
    do: Literal["done", "reopen"]


_Action = Annotated[
    _About | _Add | _Change | _Relate | _Unrelate | _Labels | _Comment | _State,
    Field(discriminator="do"),
]


class Judgements(_Form):
    """What a person did to a task, and which version he saw."""

    version: Annotated[int, Field(ge=0, lt=2**31)]
    seconds: Annotated[float, Field(ge=0, le=86400)]
    actions: Annotated[list[_Action], Field(min_length=1, max_length=2000)]

    def plain(self) -> list[dict[str, Any]]:
        """Return the actions as JSON, without what was not said."""
        return [action.model_dump(exclude_unset=True) for action in self.actions]


class Released(_Form):
    """The person whose notes are given back."""

    person: Annotated[str, StringConstraints(max_length=200)]


class Sought(_Form):
    """Words of a concept that is searched."""

    project: Annotated[int, Field(ge=0, lt=2**31)]
    q: Annotated[str, StringConstraints(max_length=200)]


class Verdict(_Form):
    """What a person thinks of a rule, and which version he saw."""

    verdict: Id
    comment: Words
    version: Annotated[int, Field(ge=0, lt=2**31)]
    item: Id | None = None


class Wrong(_Form):
    """A mention under a rule that is none."""

    note: Id
    start: Offset
    end: Offset
    label: Id
    alike: bool = False
