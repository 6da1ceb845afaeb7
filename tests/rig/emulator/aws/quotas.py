"""Service quotas and budgets."""
