"""What is derived from a table's contract: Arrow, Spark, SQL, checks and documentation. Each library is imported only in its module."""
