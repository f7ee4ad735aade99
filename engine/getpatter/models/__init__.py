"""What is known of vendors' models by their names: which of them one is, and how long they are served.  No I/O."""
