"""The application a server runs; Django has to be started before."""

from django.core.handlers.wsgi import WSGIHandler

application = WSGIHandler()
