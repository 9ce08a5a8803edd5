"""What the routes share says whether it answers, and its numbers of now."""

from .conftest import MADE_BY


def test_it_is_ready_between_loading_and_ending(service):
    made = service(load=False)
    assert not made.is_ready
    assert b"clinnlp_info{" not in made.numbers()
    made = service()
    assert made.is_ready
    made.is_draining = True
    assert not made.is_ready


def test_numbers_name_the_model_that_answers_now(service):
    text = service().numbers().decode()
    assert f'clinnlp_info{{cues="{MADE_BY["cues"]}",model="{MADE_BY["model"]}"' in text
    assert 'clinnlp_model_loads{outcome="done"} 1.0' in text
    assert "clinnlp_notes_waiting 0.0" in text
