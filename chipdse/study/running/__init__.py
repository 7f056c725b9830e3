"""Runs a sweep: workers, queues, budget, interrupts and status."""
