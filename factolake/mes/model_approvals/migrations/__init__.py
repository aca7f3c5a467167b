"""Steps of the tables, generated; one that runs SQL says why."""
