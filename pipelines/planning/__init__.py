"""Plans on their way: from the lake's tables to a situation, through the search, to gold.schedule; by a part of its own and by Dagster alike."""
