"""Running the project's models in tests without dbt's fixed costs."""
