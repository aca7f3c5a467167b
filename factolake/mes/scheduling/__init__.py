"""Detailed scheduling (ISA-95): versions of a line's schedule, proposed, accepted, undone; what operators did otherwise."""
