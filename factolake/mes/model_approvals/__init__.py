"""Models that people approved: which version of which model may become champion, and who said so. The registry itself is elsewhere."""
