"""How an alert reads, in plain words of a language: figures, templates, the text, and the limits for whoever puts it otherwise."""
