"""What a person sees, in a real browser: the pages of a month from disk, and Dagster's pages from a server."""
