"""Alerts of machines as people work with them: taken from the lake, told, judged, and answered with maintenance."""
