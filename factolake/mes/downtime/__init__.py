"""Stops of the machines as the lake saw them, and what people say of them: reasons, splits, merges."""
