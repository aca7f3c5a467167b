"""The Django project: settings from ours, addresses, the server."""
