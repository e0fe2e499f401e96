"""From anything that a user has to a network that can be measured."""
