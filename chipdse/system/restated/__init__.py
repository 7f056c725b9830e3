"""Other authors' models as published, for comparison; no result of chipdse uses them."""
