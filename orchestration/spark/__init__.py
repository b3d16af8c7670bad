"""The raw tables beyond one machine: as Parquet that Spark reads, written by DuckDB or by Spark itself."""
