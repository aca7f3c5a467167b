"""Models of machines tried by hand, in notebooks: days to learn from and to judge, scores, the alerts they would have raised, two models compared."""
