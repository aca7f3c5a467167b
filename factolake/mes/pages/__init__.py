"""Pages for people: server-rendered, HTMX, nothing from outside."""
