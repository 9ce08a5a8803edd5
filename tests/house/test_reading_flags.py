"""What reads notes or tables takes the same flags, of the same meaning, on every command."""

import argparse

import pytest

from clinnlp.cli import COMMANDS

TABLES = {"--encoding", "--sep", "--decimal", "--time-format", "--day-first", "--skip-bad"}
NOTES = TABLES | {"--format", "--repair", "--number-repeated", "--layers"}
NOTES |= {"--text-column", "--id-column"}
READING = (  # notes
    "fine-tune", "tune", "next", "pretrain", "extract", "watch", "score", "convert", "inspect",
    "diff", "demo", "review create", "deidentify", "deidentify audit",
    "mine genes", "mine labels", "drift",
)  # fmt: skip
STORED = ("user", "serve", "learn", "release", "export", "agreement", "check", "verdicts")
WANTED = {
    **dict.fromkeys(READING, NOTES),
    **{f"review {name}": set() for name in STORED},  # all of these read a store
    **dict.fromkeys(("risk", "risk apply", "risk survival", "mine"), TABLES),
    "export": set(),  # reads a model
    "serve": set(),  # reads what it is sent
}


def parsers_of(command):
    """Yield the parser of a command, or those of its tasks."""
    parser = argparse.ArgumentParser()
    COMMANDS[command][0](parser)
    subs = [a for a in parser._actions if isinstance(a, argparse._SubParsersAction)]
    yield from subs[0].choices.values() if subs else [parser]


def flags_of(parser):
    return {option: action for action in parser._actions for option in action.option_strings}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_that_reads_takes_the_flags_of_reading(command):
    for parser in parsers_of(command):
        assert flags_of(parser).keys() & NOTES == WANTED[command]


def test_a_flag_means_the_same_everywhere():
    meant = {}
    for command in COMMANDS:
        for parser in parsers_of(command):
            for flag, action in flags_of(parser).items():
                if flag in NOTES:
                    said = (type(action), action.dest, action.default, action.choices, action.help)
                    assert meant.setdefault(flag, said) == said, f"{flag} of {command}"
    assert meant.keys() == NOTES


@pytest.mark.parametrize("command", ["mine", "risk", "risk apply"])
def test_columns_of_events_are_named_alike(command):
    [parser] = parsers_of(command)
    action = flags_of(parser)["--columns"]
    assert (action.dest, action.nargs) == ("columns", "+")
