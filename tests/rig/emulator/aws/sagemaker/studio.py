"""Domains, profiles, spaces, apps and what belongs to them."""
