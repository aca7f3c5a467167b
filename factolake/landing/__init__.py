"""Landing: records of the log to bronze, exactly once. Arrow and delta-rs only; no Spark, no Java."""
