"""Problems and schedules in files: the public formats of job, flexible and flow shops, and our own JSON of whole problems and schedules."""

from factolake.planning.formats.files import read
from factolake.planning.formats.own import problem_json, problem_of, schedule_json
from factolake.planning.formats.refusal import FileRefused
from factolake.planning.formats.schedules import ToldSchedule, read_schedule, schedule_of, steps

__all__ = ["FileRefused", "ToldSchedule", "problem_json", "problem_of", "read", "read_schedule", "schedule_json", "schedule_of", "steps"]
