"""What rows of a document do to the record, the same for every format: a module a kind of thing, and the part that brings them together."""
