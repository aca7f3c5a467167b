"""What templates need beside Django."""
