"""What providers and carriers charge, and what a use of them costs.  No I/O but for an operator's file of prices."""
