"""A simulated telephone network and other stand-ins at the network edge, for tests, demos and users' own tests."""
