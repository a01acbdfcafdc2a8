"""What training yields: alphabet, events and their projections."""
