"""Completing a study: what is missing is trained by Dask's workers, and kept."""
