"""Notebook instances and their lifecycle configurations."""
