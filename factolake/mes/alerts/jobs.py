"""Alerts are watched and told on, and their mails sent, by themselves."""

from factolake.mes.alerts.actions.watching import turn
from factolake.mes.alerts.mail import send_once
from factolake.mes.core.jobs import job

job("alerts", 5.0, turn)
job("alert_mail", 2.0, send_once, outside=True)
