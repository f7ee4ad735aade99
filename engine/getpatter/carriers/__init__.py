"""Telephone companies: one folder each, all behind `carriers.base.Carrier`."""
