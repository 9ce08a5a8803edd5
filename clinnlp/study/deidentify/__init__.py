"""De-identification: what is found in notes is replaced, everything else is carried over.

`keys` draws all that is random from a secret key; `shapes`, `names` and `dates` write what stands
for an original; `surrogates` chooses among them by label; `replacing` edits a note; `records` does
the same for tables; `flow` goes from files to files; `audit` says how much may be left.
"""
