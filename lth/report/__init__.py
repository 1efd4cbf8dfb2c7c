"""The report: what pages, figures, tables and sentences are made of. Nothing but the command line imports it."""
