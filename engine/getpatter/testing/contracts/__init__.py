"""What every adapter of a provider has to do, as test classes.

A subclass names an adapter and a server that stands in for its vendor, and inherits the tests: `pytest` and
`pytest-asyncio` collect them.  For adapters of this package and of anybody's own.
"""
