"""What an error drags along: every cause and every context, shown when it is printed or not."""

from collections.abc import Iterator

__all__ = ["chain_of", "check_free_of"]


def chain_of(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and all that can be reached from it, each once."""
    seen: set[int] = set()
    left = [error]
    while left:
        one = left.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        left += [one.__cause__, one.__context__]  # also where `from None` keeps it from print


def check_free_of(text: str, error: BaseException) -> None:
    """Fail where an error, or one that it drags along, holds `text` or an object with text."""
    for one in chain_of(error):
        assert text not in f"{one} {one!r} {vars(one)!r}"
        # These two hold the whole of what they failed on, in fields that no repr shows.
        assert not hasattr(one, "doc"), type(one)
        assert not isinstance(one, UnicodeError), type(one)
