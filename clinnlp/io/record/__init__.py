"""The record of patients: who they are, when they stayed, what happened; by source."""
