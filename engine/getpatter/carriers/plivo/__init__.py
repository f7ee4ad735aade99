"""Plivo: Voice API and audio streaming."""
