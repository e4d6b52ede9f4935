"""Proving who we are: the agent, the questions to a person, the error when it fails."""
