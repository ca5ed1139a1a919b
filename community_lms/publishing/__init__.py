"""Adapters and pools on the Hub, with their cards."""
