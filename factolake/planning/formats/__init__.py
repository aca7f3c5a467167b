"""Problems and schedules in files: the public formats of job, flexible and flow shops, our own JSON of both; prices and power in CSV files."""

from factolake.planning.formats.files import read
from factolake.planning.formats.own import problem_json, problem_of, schedule_json
from factolake.planning.formats.refusal import FileRefused
from factolake.planning.formats.schedules import ToldSchedule, read_schedule, schedule_of, steps
from factolake.planning.formats.tariffs import PlanClock, read_power, read_tariff

__all__ = [
    "FileRefused",
    "PlanClock",
    "ToldSchedule",
    "problem_json",
    "problem_of",
    "read",
    "read_power",
    "read_schedule",
    "read_tariff",
    "schedule_json",
    "schedule_of",
    "steps",
]
