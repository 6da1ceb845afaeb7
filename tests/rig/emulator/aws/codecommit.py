"""CodeCommit: repositories, branches, files, approval rules and tags."""
