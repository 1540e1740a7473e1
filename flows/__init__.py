"""Prefect flows and the command line: order, concurrency, retries, progress. The only importer of Prefect."""
