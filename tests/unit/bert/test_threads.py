"""Batches read side by side come back in order, and nothing is left changed."""

import threading

import pytest
import torch

from clinnlp.bert.fast.threads import side_by_side


@pytest.fixture(params=[1, 2, 3])
def n_threads(request):
    before = torch.get_num_threads()
    torch.set_num_threads(request.param)
    yield request.param
    torch.set_num_threads(before)


@pytest.mark.parametrize("n_batches", [0, 1, 2, 9])
def test_answers_come_in_order_and_the_threads_stay_as_set(n_threads, n_batches):
    assert list(side_by_side(lambda n: n * n, range(n_batches))) == [
        n * n for n in range(n_batches)
    ]
    assert torch.get_num_threads() == n_threads
    seen = []
    thread = threading.Thread(target=lambda: seen.append(torch.get_num_threads()))
    thread.start()
    thread.join()
    assert seen == [n_threads]


def test_each_batch_has_one_thread_and_few_are_read_ahead(n_threads):
    read = []

    def note(n):
        read.append(n)
        return torch.get_num_threads()

    answers = side_by_side(note, range(20))
    assert next(answers) == 1
    assert len(read) <= n_threads + 1
    assert set(answers) <= {1}
    assert sorted(read) == list(range(20))


def test_what_goes_wrong_is_raised_and_the_rest_is_dropped(n_threads):
    read = []

    def fail_at_four(n):
        read.append(n)
        if n == 4:
            raise ValueError("four")
        return n

    with pytest.raises(ValueError, match="four"):
        list(side_by_side(fail_at_four, range(100)))
    assert max(read) <= 4 + n_threads + 1
    assert torch.get_num_threads() == n_threads
