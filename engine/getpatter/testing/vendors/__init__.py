"""Stand-ins for the vendors of speech and language, speaking their protocols on real sockets.

Each is held to its vendor's protocol by the vendor's own client library: the tests drive that against it, too.
"""
