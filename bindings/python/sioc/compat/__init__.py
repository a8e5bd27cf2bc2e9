"""Other servers' Python interfaces on sioc, so that a program moves by changing an import."""
