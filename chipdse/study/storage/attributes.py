"""Names of the attributes that a study and its trials keep in the storage."""

from __future__ import annotations

FAILURE, DRIVER, RETRY_OF = "failure", "driver", "retry_of"
"""Trial attributes: reason of the failure; driver that evaluates the trial; number of the failed
trial that this trial replaces."""
FINGERPRINT = "fingerprint"
"""Attribute of a trial and of its study: version of chipdse, block and tools
(`storage.fingerprint`)."""
OUTDATED = "outdated"
"""Trial attribute: its result is from an earlier version (`storage.fingerprint`)."""
ORIGIN, PROPOSED, HARVESTED, HARVESTED_FROM = (
    "origin",
    "proposed",
    "harvested",
    "harvested_from",
)
"""Trial attributes: "proposed" by the sampler or "harvested", and the number of the trial whose
evaluation gave it (`chipdse.study.harvest.harvest`)."""
PART_POINTS, FAILED_PART = "part_points", "failed_part"
"""Trial attributes of a chip: metrics of the part points that it measured, by part, number of the
hardware point and operating point; the part that could not be evaluated."""
SPREAD = "spread"
"""Trial attribute: the objectives' standard deviations over replicates, in their order."""
