"""Personnel after ISA-95: what people are qualified for, and who is on shift where."""
