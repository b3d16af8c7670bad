"""The rules of other people that our exports follow, as checks: FOCUS 1.2 and double entry."""
