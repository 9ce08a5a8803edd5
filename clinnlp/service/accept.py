"""Which form of answer a caller takes: the header Accept, as RFC 9110 (12.5.1) has it."""

from collections.abc import Sequence

__all__ = ["form_of"]


def form_of(accept: str, offers: Sequence[str]) -> str | None:
    """Return the form of `offers` that the header asks for; the first of equals, None for none.

    Examples
    --------
    >>> offers = ["application/json", "application/fhir+json"]
    >>> form_of("*/*", offers), form_of("Application/FHIR+JSON, */*;q=0.5", offers)
    ('application/json', 'application/fhir+json')
    >>> form_of("application/fhir+xml", offers)
    """
    if not accept.strip():
        return offers[0]
    ranges = dict(map(_range, accept.lower().split(",")))
    weights = {offer: _weight(offer, ranges) for offer in offers}
    best = max(offers, key=lambda offer: weights[offer])
    return best if weights[best] > (0.0, 0) else None


def _weight(offer: str, ranges: dict[str, float]) -> tuple[float, int]:
    """Return how much a form is wanted, and how closely it is named."""
    kinds = (offer, f"{offer.partition('/')[0]}/*", "*/*")
    named = ((ranges[kind], -far) for far, kind in enumerate(kinds) if kind in ranges)
    weight, near = next(named, (0.0, 0))
    return (weight, near) if weight > 0 else (0.0, 0)


def _range(said: str) -> tuple[str, float]:
    """Return a range of forms and its weight, 1 where none can be read."""
    kind, *parameters = (part.strip() for part in said.split(";"))
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q" and value.strip().replace(".", "", 1).isdecimal():
            return kind, min(float(value), 1.0)
    return kind, 1.0
