"""The `getpatter` command."""
