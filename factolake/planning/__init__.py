"""What is known of plans without a solver: reading problems, judging plans, building a problem from the plant, explaining."""
