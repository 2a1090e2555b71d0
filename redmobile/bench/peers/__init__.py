"""Our converter beside others: the same networks, each converted by each, and what became of them in one table."""
