"""The lake: Delta tables on disk, read and committed through delta-rs. Computation belongs to `refine/`; nothing here knows what a row means."""
