"""Replay without delays: every net in every cycle from the recorded registers and inputs."""
