"""Answers are those of the pipeline; every refusal has its status and one sentence."""

import json
from pathlib import Path

import pytest
from unit_service import FAILS, JSON, LINES, SLOW

from clinnlp.core.notes import Note
from clinnlp.io.notes.corpora import read_notes
from clinnlp.io.notes.records import note_from_record, note_to_record
