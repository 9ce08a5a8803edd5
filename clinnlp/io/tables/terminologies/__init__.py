"""Terminologies in the layouts of their publishers, read from the user's own files.

``layouts``  which terminology a file or folder is, and its reader
``rxnorm``   RxNorm: RXNCONSO, RXNREL, RXNSAT
``umls``     UMLS: MRCONSO, MRSTY, MRREL
``snomed``   SNOMED CT: RF2 snapshot
``mesh``     MeSH descriptors: XML or ASCII
``loinc``    LOINC: Loinc.csv and its hierarchy
``atc``      ATC: codes and names
``tables``   files in a folder, in a zip file or alone, row by row
"""
