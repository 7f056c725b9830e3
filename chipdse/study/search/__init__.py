"""The samplers that propose points."""
