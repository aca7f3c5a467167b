"""Code that nobody vouches for answers a question in a process of its own, with walls around it.

`walls` are the walls, `keeper` the process that makes one walled process for each question, `asking` the side of who asks. What is asked is the
asker's: `models.registry.trial` asks whether a model can be opened.
"""
