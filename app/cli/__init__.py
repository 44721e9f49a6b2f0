"""The command line: a client of the REST interface, plus the few commands that work on the machine itself.

Data goes to standard output, everything else to standard error, so that a pipe gets only data.
"""
