"""How a schedule is judged, rule by rule; `factolake.planning.validator` is the door. Knows no solver and shares no code with one."""
