"""Brings records of other systems into Appoint.

Python reads files and judges their shape only; what may become a clinic, a patient or a past
appointment is decided by the database, row by row, behind the `worker.import_…` functions.
"""
