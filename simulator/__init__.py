"""A stand-in for Amazon SageMaker that really runs the jobs; what it proves and what not: README.md."""
